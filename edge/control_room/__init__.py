"""The subscriber's side: what a control room sees."""
