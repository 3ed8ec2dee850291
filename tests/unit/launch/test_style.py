"""The EHR's style sheet: what is taken of it."""

import pytest

from launch.style import SmartStyle

GUIDE = {  # the example of the guide, "Styling"
    "color_background": "#edeae3",
    "color_error": "#9e2d2d",
    "color_highlight": "#69b5ce",
    "color_modal_backdrop": "",
    "color_success": "#498e49",
    "color_text": "#303030",
    "dim_border_radius": "6px",
    "dim_font_size": "13px",
    "dim_spacing_size": "20px",
    "font_family_body": "Georgia, Times, 'Times New Roman', serif",
    "font_family_heading": "'HelveticaNeue-Light', Helvetica, Arial, 'Lucida Grande', sans-serif;",
}


def test_the_example_of_the_guide_is_read():
    """But for the heading's fonts: their list there ends with a semicolon, which could end a declaration."""
    assert SmartStyle.from_json(GUIDE) == SmartStyle(
        color_background="#edeae3",
        color_text="#303030",
        color_highlight="#69b5ce",
        color_error="#9e2d2d",
        color_success="#498e49",
        dim_border_radius=6.0,
        dim_font_size=13.0,
        dim_spacing_size=20.0,
        font_family_body='"Georgia", "Times", "Times New Roman", serif',
    )


@pytest.mark.parametrize(("said", "read"), [("#ABC", "#aabbcc"), (" #A0b1C2 ", "#a0b1c2")])
def test_colours_are_brought_into_one_form(said, read):
    """Six digits."""
    assert SmartStyle.from_json({"color_text": said}).color_text == read


@pytest.mark.parametrize(
    "said", ["red", "#12345", "#1234567", "#ggg", "rgb(0,0,0)", "#fff;}*{x:url(//e)", "#f\nff", "", 7, None, ["#fff"]]
)
def test_what_is_no_plain_colour_is_left_out(said):
    """And with it nothing else: each value stands for itself."""
    style = SmartStyle.from_json({"color_text": said, "color_error": "#900"})
    assert (style.color_text, style.color_error) == (None, "#990000")


@pytest.mark.parametrize(
    ("name", "said", "pixels"),
    [
        ("dim_border_radius", "0px", 0.0),
        ("dim_border_radius", "0.5rem", 8.0),
        ("dim_border_radius", "25px", None),
        ("dim_font_size", "1.25em", 20.0),
        ("dim_font_size", "8px", None),
        ("dim_font_size", "40px", None),
        ("dim_spacing_size", "calc(1px)", None),
        ("dim_spacing_size", "-4px", None),
        ("dim_spacing_size", "10", None),
        ("dim_spacing_size", "1e1px", None),
    ],
)
def test_sizes_are_pixels_within_bounds(name, said, pixels):
    """A size that would make the page unreadable is not taken."""
    read = SmartStyle.from_json({name: said, "color_text": "#000"})
    assert getattr(read, name) == pixels


@pytest.mark.parametrize(
    "said", ["a, b;c", "expression(1)", 'Arial", url(x)', "", ",", "x" * 41, "Arial\\", "</style>", "Arial, , serif"]
)
def test_what_is_no_list_of_fonts_is_left_out(said):
    """Letters, digits, blanks and hyphens are all that a name is made of."""
    assert SmartStyle.from_json({"font_family_body": said, "color_text": "#000"}).font_family_body is None


@pytest.mark.parametrize("value", [None, [], "x", 7, {}, {"colour": "#fff"}, {"color_text": "red"}])
def test_without_a_usable_value_there_is_no_style(value):
    """The page looks as it always does."""
    assert SmartStyle.from_json(value) is None
