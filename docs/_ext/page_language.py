"""``:lang: de`` at the top of a page tells browsers and screen readers its language."""


def tell_language(app, page, template, context, doctree):
    context["language"] = (context.get("meta") or {}).get("lang", context.get("language"))


def setup(app):
    app.connect("html-page-context", tell_language)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
