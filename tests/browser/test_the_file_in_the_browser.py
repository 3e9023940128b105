"""The file of slides, opened as whoever gets it opens it: from a disk, without a network, without scripts."""

from __future__ import annotations

from playwright.sync_api import expect


def test_the_file_opens_without_a_network_and_without_scripts(server, browser, visit, tmp_path):
    """Downloaded from the slides; the language is switched in it, and nothing in it is wider than a phone."""
    page = visit(f"{server.url}/present?paused=1&lang=en")
    headline = page.locator(".st-key-slide h2")
    expect(headline).to_contain_text("requests timed out")
    with page.expect_download() as started:
        page.get_by_text("One file to send").click()
    started.value.save_as(tmp_path / "slides.html")
    said = headline.inner_text()
    context = browser.new_context(offline=True, java_script_enabled=False, viewport={"width": 390, "height": 844})
    asked = []
    opened = context.new_page()
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto((tmp_path / "slides.html").as_uri())
    expect(opened.get_by_role("heading", level=1)).to_have_text(said)
    opened.get_by_text("Tiếng Việt").click()
    expect(opened.get_by_role("heading", level=1)).to_contain_text("bị quá hạn")
    expect(opened.get_by_text(said)).to_be_hidden()
    assert opened.locator("body").bounding_box()["width"] <= 390
    assert asked == [(tmp_path / "slides.html").as_uri()]
    context.close()
