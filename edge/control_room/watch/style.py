"""The layout and colours of the view, in the style sheets of Textual."""

STYLE = """
Screen { layout: vertical; }
#banner { height: 1; background: $primary-darken-2; color: white; text-style: bold; }
#banner.lost { background: #b00020; color: white; text-style: bold reverse; }
#counts { height: 1; }
#heading { height: 1; background: $panel; }
#boxes { height: 1fr; min-height: 3; scrollbar-size-vertical: 1; overflow-x: hidden; scrollbar-gutter: stable; }
#empty { height: 1fr; padding: 1 2; }
#details { height: auto; max-height: 45%; min-height: 3; border-top: solid $primary; scrollbar-size-vertical: 1; }
#details:focus { border-top: heavy $accent; }
#detail { height: auto; padding: 0 1; }
#notes { height: auto; max-height: 5; padding: 0 1; }
#filter { height: 3; }
#hints { height: 1; background: $panel; }
.dialog { width: 70; max-width: 95%; height: auto; max-height: 100%; border: heavy $accent; background: $surface; }
.dialog.wide { width: 90; }
.dialog { padding: 0 1; overflow-y: auto; }
.dialog Label { width: 100%; }
.title { text-style: bold; }
.hint { color: $text-muted; }
#moved, #others { background: #b00020; color: white; text-style: bold; }
#given { background: $panel; text-style: bold; }
#given.new, #blocked { background: #b00020; color: white; text-style: bold; }
AcknowledgeDialog Input { border: round $accent; border-title-color: $text; }
AcknowledgeDialog Input:focus { border: double $warning; border-title-color: $warning; border-title-style: bold; }
#wrong { color: $error; height: 1; }
AcknowledgeDialog, EndDialog, TextDialog { align: center middle; }
"""
