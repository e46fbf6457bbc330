import numpy as np
import pytest
from PIL import Image

from sandlot.agents.films.drawing import Box, format_number, text_mask
from sandlot.agents.films.line_chart import MAX_STEPS, LineChart


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (-1.0, "−1"),
        (0.125, "0.12"),
        (-0.001, "0.00"),
        (12.34, "12.3"),
        (-123.4, "−123"),
        (1234.5, "1,234"),
        (123456.0, "123k"),
        (-np.inf, "–"),
    ],
)
def test_numbers_are_formatted_briefly(number, text):
    assert format_number(number) == text


def test_text_is_drawn():
    assert np.asarray(text_mask("left", 20, True)).max() == 255


def test_a_line_chart_keeps_the_last_steps_and_the_whole_range():
    chart, image = LineChart(Box(0, 0, 300, 100), 20), Image.new("RGB", (300, 100))
    for step in range(3 * MAX_STEPS):
        chart.add(100.0 if step == 0 else float(step % 7))
    chart.draw(image)
    assert (len(chart.numbers), chart.high, chart.low) == (MAX_STEPS, 100.0, 0.0)
    assert np.asarray(image).any()
