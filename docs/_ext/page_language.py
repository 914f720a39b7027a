"""Set the language of a page from the field ``:lang:`` at its top."""


def set_language(app, page, template, context, doctree):
    context["language"] = (context.get("meta") or {}).get("lang", context.get("language"))


def setup(app):
    app.connect("html-page-context", set_language)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
