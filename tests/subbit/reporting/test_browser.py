"""The page in a real browser: how wide it is on a phone and on a desk, and that it prints."""

from dataclasses import replace

import pytest

from benchmarks.browser import Browser
from subbit.reporting.contents import gathered
from subbit.reporting.page import page
from subbit.reporting.subject import read_subject
from sw.compact.method import parse_methods
from sw.network import save


@pytest.fixture
def browser():
    found = Browser.find()
    if found is None:
        pytest.skip("no Chromium on PATH")
    return found


@pytest.fixture
def file(built, small_network, data, choice, tmp_path):
    """A page with everything on it."""
    save(parse_methods(["reuse"])[0].finish(small_network), built / "network.safetensors")
    path = tmp_path / "page.html"
    named = replace(
        data, name="n" * 200, class_names=("a", "b" * 60, "c d e f g h i j k l m n o p q r s t u v w x y z")
    )
    path.write_text(page(gathered(read_subject(built), data=named, choice=choice, title="t" * 300)))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_is_wider_than_its_window(browser, file, width):
    layout = browser.layout(file, width)
    assert layout.width <= width
    assert layout.wide == ()
    assert layout.height > 2000


@pytest.mark.slow
def test_a_page_that_is_too_wide_is_seen(browser, file):
    file.write_text(file.read_text().replace("<main>", '<main><p style="width: 500px">wide</p>'))
    layout = browser.layout(file, 390)
    assert layout.width > 390
    assert layout.wide


@pytest.mark.slow
def test_pictures_and_print(browser, file, tmp_path):
    light, dark = (browser.picture(file, 390, dark=dark, height=600) for dark in (False, True))
    assert light.size == dark.size == (390, 600)
    assert light.getpixel((2, 2)) == (255, 255, 255)
    assert max(dark.getpixel((2, 2))) < 50
    browser.print(file, tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
