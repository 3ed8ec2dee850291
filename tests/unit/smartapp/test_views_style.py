"""The EHR's look on our pages: only where words stay readable."""

import re

import pytest
from fake_pages import FakeLauncher, Visitor, build_config, build_session

from launch.style import SmartStyle
from smartapp.views.style import CONTRAST, build_css, contrast

BEIGE = SmartStyle(color_background="#edeae3", color_text="#303030")
TOKENS = (build_config().static / "css" / "tokens.css").read_text("utf-8")


def schemes() -> list[dict[str, str]]:
    return [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)) for part in TOKENS.split("prefers-color-scheme: dark")
    ]


def properties(style: SmartStyle) -> dict[str, str]:
    return dict(re.findall(r"^  (?:--)?([a-z-]+): (.+);$", build_css(style, *schemes()), re.MULTILINE))


def visitor(style: SmartStyle | None) -> Visitor:
    return Visitor(launcher=FakeLauncher(held=build_session(style=style)))


def test_black_on_white_is_the_most() -> None:
    """The two ends of WCAG's scale, and a pair whose ratio is known."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#123456", "#123456") == 1
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_page_takes_the_look_of_the_ehr() -> None:
    """A style sheet of our own address, named after ours and before the page's own."""
    page = visitor(BEIGE).get("").text
    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    names = [sheet.rsplit("/", 1)[1] for sheet in sheets]
    assert names == ["tokens.css", "base.css", "ehr-style.css", "review.css", "book.css", "work.css"]
    answer = visitor(BEIGE).get("ehr-style.css")
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert "--canvas: #edeae3;" in answer.text


def test_without_a_look_there_is_no_style_sheet() -> None:
    """Neither named nor served."""
    assert "ehr-style.css" not in visitor(None).get("").text
    assert visitor(None).get("ehr-style.css").status_code == 404


@pytest.mark.parametrize(
    ("canvas", "text", "scheme"), [("#edeae3", "#303030", "light"), ("#101010", "#f4f4f4", "dark")]
)
def test_the_whole_scheme_follows(canvas: str, text: str, scheme: str) -> None:
    """Half a light page in a dark system could not be read: every colour is of the EHR's scheme."""
    css = properties(SmartStyle(color_background=canvas, color_text=text))
    assert (css["color-scheme"], css["canvas"], css["ink"]) == (scheme, canvas, text)
    assert css["surface"] == schemes()[scheme == "dark"]["surface"]
    assert set(css) >= set(schemes()[0])


@pytest.mark.parametrize(
    "style",
    [
        SmartStyle(color_background="#edeae3", color_text="#9a9a9a"),
        SmartStyle(color_background="#808080", color_text="#808081"),
        SmartStyle(color_background="#000000", color_text="#777777"),
        SmartStyle(color_background="#edeae3"),
        SmartStyle(color_text="#303030"),
        SmartStyle(color_highlight="#0b5a80", color_error="#900000"),
    ],
)
def test_a_pair_that_cannot_be_read_is_left_out(style: SmartStyle) -> None:
    """Below 4.5 to 1, or only half of it: our own colours stay, all of them."""
    assert properties(style) == {}


def test_a_colour_that_cannot_be_read_is_left_out() -> None:
    """The highlight of the guide's example is too pale for words; its error and success are not."""
    css = properties(
        SmartStyle(
            color_background="#ffffff",
            color_text="#303030",
            color_highlight="#69b5ce",
            color_error="#9e2d2d",
            color_success="#1d5c1d",
        )
    )
    assert (css["accent"], css["no"], css["ok"]) == (schemes()[0]["accent"], "#9e2d2d", "#1d5c1d")


@pytest.mark.parametrize("canvas", ["#edeae3", "#ffffff", "#c8d6e5", "#b0c4b1", "#ffd9d9", "#101010", "#001a33"])
def test_whatever_is_taken_can_be_read(canvas: str) -> None:
    """Words of every colour of the result stand out from the canvas; the text from all that we put behind it."""
    text = "#1a1a1a" if contrast("#1a1a1a", canvas) > contrast("#f6f6f6", canvas) else "#f6f6f6"
    css = properties(SmartStyle(color_background=canvas, color_text=text, color_highlight="#0b5a80"))
    assert css["canvas"] == canvas
    for words in ("ink", "ink-soft", "accent", "ok", "no", "warn"):
        assert contrast(css[words], canvas) >= CONTRAST, words
    for behind in ("surface", "sunken", "mark", "mark-on", "mark-ok", "accent-wash", "ok-wash", "no-wash"):
        assert contrast(css["ink"], css[behind]) >= CONTRAST, behind


def test_sizes_grow_with_the_reader() -> None:
    """In rem, so that a person who enlarges text still does; fonts fall back to one that is there."""
    css = properties(
        SmartStyle(dim_border_radius=0.0, dim_font_size=13.0, dim_spacing_size=20.0, font_family_body='"Georgia"')
    )
    assert css == {"round": "0rem", "text": "0.8125rem", "pad": "1.25rem", "sans": '"Georgia", sans-serif'}


def test_headings_have_their_font() -> None:
    """One rule, no more."""
    css = build_css(SmartStyle(font_family_heading='"Georgia", serif'), *schemes())
    assert css.endswith('h1, h2 { font-family: "Georgia", serif; }\n')
