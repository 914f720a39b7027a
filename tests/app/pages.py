"""What tests do with the page, and read from it."""

import json

VISITOR = "anna"  # who opens the pages


def run(page):
    """Run the page as it is, and see that it did not fail."""
    page.run()
    assert not page.exception, [error.stack_trace for error in page.exception]
    return page


def click(page, key):
    """Click a button."""
    page.button(key=key).click()
    return run(page)


def html_of(page):
    """Return all HTML in the page's panels, and nothing of the fields around them."""
    found = [e.proto for e in page.main if e.type == "bidi_component"]
    panels = [json.loads(p.json) for p in found if p.component_name == "skmnist_panel"]
    return "".join(panel["html"] for panel in panels)


def address(page):
    """Return what the page's address holds."""
    query = {name: page.query_params[name] for name in page.query_params}
    return {name: value[0] if isinstance(value, list) else value for name, value in query.items()}


def told(page):
    """Return what the page says in boxes."""
    boxes = [*page.info, *page.warning, *page.error, *page.success]
    return [box.value for box in boxes]
