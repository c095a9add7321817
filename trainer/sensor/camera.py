"""The parameters of a simulated camera: each with unit, default, range and source; and the presets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from edge.arguments import takes
from edge.config.faults import faults_of
from edge.config.strict import StrictModel
from edge.text import meant
from trainer.errors import SensorError

Bayer = Literal["RGGB", "BGGR", "GRBG", "GBRG"]
ChargeSpread = Literal["gaussian", "first_passage"]


def _p(unit: str, default: float, low: float, high: float, source: str, what: str) -> Any:  # noqa: ANN401, PLR0917
    return Field(default=default, ge=low, le=high, description=what, json_schema_extra={"unit": unit, "source": source})


class Camera(StrictModel):
    """A sensor and its image pipeline; the defaults are those of the OV2710 preset.

    No datasheet of the OV2710 is public: what is not printed on its product brief is assumed, within the range given.
    """

    name: str = Field(default="OV2710", description="of the preset", json_schema_extra={"unit": "", "source": "label"})
    width: int = _p("px", 1920, 16, 8192, "product brief", "columns; even")
    height: int = _p("px", 1080, 16, 8192, "product brief", "rows; even")
    pixel_um: float = _p("µm", 3.0, 0.7, 20, "product brief", "pixel pitch")
    bayer: Bayer = Field(
        default="RGGB",
        description="colours of the upper left 2×2 pixels",
        json_schema_extra={"unit": "", "source": "assumed"},
    )
    # Silicon and what lies on it.
    epi_um: float = _p("µm", 5.0, 2, 40, "assumed", "thickness of the epitaxial layer that collects charge")
    depletion_um: float = _p("µm", 2.0, 0.3, 40, "assumed", "depth of the depleted part of the epitaxial layer")
    substrate_um: float = _p("µm", 300.0, 0, 800, "assumed", "thickness of the substrate below it")
    substrate_diffusion_um: float = _p(
        "µm", 1.5, 0, 50, "assumed", "depth in the substrate from which 1/e is collected"
    )
    cover_um: float = _p("µm", 6.0, 0, 50, "assumed", "wiring, filter and micro-lens above, as silicon equivalent")
    window_um: float = _p("µm", 400.0, 0, 2000, "assumed", "cover glass above")
    housing_mm: float = _p("mm", 1.5, 0, 30, "assumed", "lens and housing around it, as glass")
    board_mm: float = _p("mm", 1.3, 0, 30, "assumed", "board below the silicon, as glass")
    diffusion_um: float = _p("µm", 0.5, 0, 5, "assumed", "lateral spread (σ) of charge from the depleted part")
    diffusion_slope: float = _p("µm/µm", 0.7, 0, 3, "assumed", "growth of that spread with depth below it")
    charge_spread: ChargeSpread = Field(
        default="gaussian",
        description="law of the spread of charge from below that part",
        json_schema_extra={"unit": "", "source": "assumed"},
    )
    pair_ev: float = _p("eV", 3.65, 3.6, 3.7, "ICRU Report 31", "energy for an electron-hole pair in silicon")
    fano: float = _p("", 0.115, 0.05, 0.2, "Lowe, NIM A 399 (1997) 354", "Fano factor of silicon")
    # Pixel and read-out.
    full_well_e: float = _p("e⁻", 6000.0, 1000, 50000, "assumed", "charge that fills a pixel")
    gain: float = _p("", 2.0, 1, 64, "assumed", "analogue gain: grey 255 is reached at full well / gain")
    read_noise_e: float = _p("e⁻", 5.0, 0, 50, "assumed", "read noise (σ)")
    row_noise_e: float = _p("e⁻", 0.3, 0, 10, "assumed", "noise that a row has in common (σ)")
    prnu: float = _p("", 0.01, 0, 0.1, "assumed", "spread of sensitivity from pixel to pixel (σ)")
    dark_e_s: float = _p("e⁻/s", 20.0, 0, 1e4, "assumed", "mean dark current at 25 °C")
    dark_doubling_c: float = _p("°C", 8.0, 4, 15, "assumed", "warming that doubles the dark current")
    temperature_c: float = _p("°C", 35.0, -40, 100, "assumed", "temperature of the sensor")
    hot_fraction: float = _p("", 2e-5, 0, 0.01, "assumed", "share of hot pixels")
    hot_e_s: float = _p("e⁻/s", 4000.0, 0, 1e6, "assumed", "mean dark current of a hot pixel at 25 °C")
    telegraph_fraction: float = _p("", 3e-5, 0, 0.01, "assumed", "share of pixels with random telegraph noise")
    telegraph_e: float = _p("e⁻", 60.0, 0, 5000, "assumed", "mean step of the telegraph noise")
    telegraph_dwell_s: float = _p("s", 0.5, 0.001, 1000, "assumed", "mean time a telegraph pixel dwells in a state")
    adc_bits: int = _p("bit", 10, 8, 14, "product brief", "depth of the analogue-digital converter")
    black_level_dn: float = _p("DN", 64.0, 0, 256, "assumed", "pedestal in raw DN that the pipeline subtracts again")
    black_offset_dn: float = _p("DN", 0.0, -64, 64, "assumed", "raw DN subtracted beyond the pedestal")
    # Timing.
    fps: float = _p("1/s", 30.0, 0.1, 240, "product brief", "frame rate")
    exposure_s: float = _p("s", 1 / 30, 1e-5, 10, "assumed", "time that a row integrates in each frame")
    readout_s: float = _p("s", 1 / 30, 0, 10, "assumed", "time from the first row's read-out to the last's")
    # Image pipeline.
    defect_correction: bool = Field(
        default=True,
        description="replace a pixel that exceeds neighbours of its colour by a threshold",
        json_schema_extra={"unit": "", "source": "assumed"},
    )
    defect_threshold: float = _p("", 0.1, 0, 1, "assumed", "that threshold, as a share of full scale")
    tone_gamma: float = _p(
        "", 0.0, 0, 4, "IEC 61966-2-1", "0 is the sRGB curve, otherwise light^(1/gamma); 1 is linear"
    )
    wb_red: float = _p("", 1.6, 0.2, 8, "assumed", "white balance of red against green")
    wb_blue: float = _p("", 1.7, 0.2, 8, "assumed", "white balance of blue against green")
    sharpen: float = _p("", 0.3, 0, 3, "assumed", "unsharp mask, share of the difference to a 3×3 blur")
    denoise: float = _p("", 0.0, 0, 1, "assumed", "weight of a 3×3 median")
    temporal_denoise: float = _p(
        "", 0.0, 0, 0.9, "assumed", "weight of the earlier pictures in each: temporal noise reduction"
    )
    scale_down: int = _p("", 1, 1, 4, "assumed", "pixels on a side whose mean is one pixel of the picture")
    digital_gain: float = _p("", 1.0, 0.1, 32, "assumed", "gain on the finished, scaled picture")
    chroma_422: bool = Field(
        default=False,
        description="colours at half the width already before JPEG, as in a YUYV stream",
        json_schema_extra={"unit": "", "source": "assumed"},
    )
    jpeg_quality: int = _p("", 90, 1, 100, "assumed", "JPEG quality, IJG scale")

    @model_validator(mode="after")
    def _fits_together(self) -> Camera:
        if self.width % (2 * self.scale_down) or self.height % (2 * self.scale_down):
            raise ValueError(f"a Bayer mosaic has an even size, also after scale_down, not {self.width}x{self.height}")
        if self.exposure_s * self.fps > 1 + 1e-9:
            raise ValueError(
                f"exposure_s {self.exposure_s:g} is longer than a frame at fps {self.fps:g} ({1 / self.fps:g} s)"
            )
        if self.depletion_um > self.epi_um:
            raise ValueError(f"depletion_um {self.depletion_um:g} exceeds epi_um {self.epi_um:g}")
        return self

    @property
    def white_e(self) -> float:
        """Electrons in a green pixel at which the converter reaches its end."""
        return self.full_well_e / self.gain

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of the finished picture."""
        return self.width // self.scale_down, self.height // self.scale_down

    @property
    def area_cm2(self) -> float:
        """Area of the pixels in cm²."""
        return self.width * self.height * self.pixel_um**2 * 1e-8

    @property
    def duty(self) -> float:
        """Share of the time in which a pixel integrates."""
        return min(self.exposure_s * self.fps, 1.0)


OV2710 = Camera()
# A covered Trust webcam in front of an X-ray tube. Nothing is published of its sensor: the values from pixel_um on come
# from a search on the run behind 20 mm of aluminium (`gammabox-trainer study validate-sensor --fit`) that looked at
# size, peak and colours, not yet at the sum of light. They are one of many sets that fit these data.
WEBCAM_XRAY = Camera(
    name="WEBCAM_XRAY",
    width=1280,
    height=960,
    housing_mm=0.0,
    gain=1.0,
    hot_fraction=0.0,
    telegraph_fraction=0.0,
    dark_e_s=0.0,
    row_noise_e=0.0,
    defect_correction=False,
    tone_gamma=1.0,
    sharpen=0.0,
    scale_down=2,
    chroma_422=True,
    jpeg_quality=100,
    substrate_diffusion_um=0.3,
    depletion_um=2.0,
    pixel_um=3.306,
    epi_um=8.225,
    diffusion_um=0.312,
    diffusion_slope=0.921,
    full_well_e=6739.0,
    digital_gain=5.868,
    black_offset_dn=7.27,
    wb_red=1.151,
    wb_blue=1.048,
)
# The paper's camera with its lens covered. The paper gives sensor, pixel, picture and frame rate; the rest is assumed
# (docs/paper.md). Automatic exposure ends at the longest time and the greatest gain. The silicon is thicker than in
# OV2710, which makes blotches twice as large. The black level cuts most of the dark noise. Without defect correction
# hot pixels stay, as they do in the paper's set A.
PAPER_COVERED = Camera(
    name="PAPER_COVERED",
    epi_um=12.0,
    depletion_um=3.0,
    diffusion_um=0.8,
    substrate_diffusion_um=4.0,
    gain=16.0,
    temperature_c=45.0,
    black_offset_dn=40.0,
    fps=25.0,
    exposure_s=1 / 25,
    readout_s=1 / 25,
    defect_correction=False,
)
# The same camera without its cover, in light so dim that exposure and gain stay where they are.
PAPER_OPEN = PAPER_COVERED.model_copy(update={"name": "PAPER_OPEN"})
PRESETS = {
    "ov2710": OV2710,
    "webcam_xray": WEBCAM_XRAY,
    "paper-covered": PAPER_COVERED,
    "paper-open": PAPER_OPEN,
}


def change(camera: Camera, **values: object) -> Camera:
    """Return the camera with other parameters, checked.

    Raises
    ------
    SensorError
        A parameter that does not exist or a value out of its range; the message names it and the range.

    """
    try:
        return Camera.model_validate({**camera.model_dump(), **values})
    except ValidationError as error:
        given = {**camera.model_dump(), **values}
        fault = next(sentence for _, sentence in faults_of(error, Camera, given))
        raise SensorError(f"camera {camera.name}: {fault}; docs/camera-parameters.md has the ranges") from None


@takes(name=str)
def preset(name: str) -> Camera:
    """Return a preset by name: ov2710, webcam_xray, paper-covered or paper-open.

    Raises
    ------
    SensorError
        There is no preset of this name.

    """
    try:
        return PRESETS[name.lower()]
    except KeyError:
        known = ", ".join(sorted(PRESETS))
        raise SensorError(f"unknown camera {name!r}{meant(name, PRESETS)}; choose one of {known}") from None


def parameter_table(camera: Camera = OV2710) -> str:
    """Return every parameter as a Markdown table: name, value, unit, range, source, meaning."""
    lines = ["| parameter | default | unit | range | source | what |", "|---|---|---|---|---|---|"]
    for name, info in Camera.model_fields.items():
        extra = info.json_schema_extra
        unit, source = (str(extra[key]) for key in ("unit", "source")) if isinstance(extra, dict) else ("", "")
        bounds = {type(mark).__name__: mark for mark in info.metadata}
        low, high = getattr(bounds.get("Ge"), "ge", None), getattr(bounds.get("Le"), "le", None)
        span = "" if low is None else f"{low:g} to {high:g}"
        value = getattr(camera, name)
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        lines.append(f"| `{name}` | {shown} | {unit} | {span} | {source} | {info.description} |")
    return "\n".join(lines) + "\n"
