"""axe-core in a page: which rules of WCAG are broken, and where."""

from __future__ import annotations

from pathlib import Path

# Levels A and AA, and what axe-core itself recommends: landmarks, order of headings.
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
RECOMMENDED = (*WCAG, "best-practice")

RUN = """async ({context, tags, exceptions}) => {
    const off = Object.fromEntries(exceptions.map(rule => [rule, {enabled: false}]));
    const found = await axe.run(context, {
        runOnly: {type: 'tag', values: tags}, rules: off, resultTypes: ['violations'],
        preload: false,
    });
    return found.violations.flatMap(rule => rule.nodes.map(node =>
        `${rule.id}: ${node.html.slice(0, 200)} (${node.failureSummary.replace(/\\s+/g, ' ')})`));
}"""

# axe-core compares nothing where it sees no text, or cannot say what is behind it, and passes both.
PALE = """async context => {
    const found = await axe.run(context, {
        runOnly: {type: 'rule', values: ['color-contrast']}, preload: false,
    });
    const kinds = node => node.any.map(check => check.data?.messageKey);
    const nodes = outcome => found[outcome].flatMap(rule => rule.nodes);
    const pale = nodes('violations').map(node =>
        `color-contrast: ${node.html.slice(0, 200)} (${node.failureSummary})`);
    const decided = [...nodes('passes'), ...nodes('violations')];
    const hidden = decided.filter(node => kinds(node).includes('hidden'));
    const unknown = nodes('incomplete').filter(node =>
        !kinds(node).some(kind => ['nonBmp', 'shortTextContent'].includes(kind)));
    // Meant for the ear alone; and the arrow that ipywidgets paints into a list.
    const harmless = node => /clip-path|^<select/.test(node.html);
    const missed = [...hidden, ...unknown].filter(node => !harmless(node)).map(node =>
        `not compared: ${node.html.slice(0, 200)} (${kinds(node)})`);
    return [...pale, ...missed, ...(decided.length > hidden.length ? [] : ['nothing compared'])];
}"""


def violations(
    page: object,
    axe: Path,
    tags: tuple[str, ...] = RECOMMENDED,
    include: tuple[str, ...] = ("html",),
    exceptions: tuple[str, ...] = (),
) -> list[str]:
    """Return one line for each element that breaks a rule; for colours see `pale_texts`.

    `axe` is the script, `include` are the selectors of what is looked at, `exceptions` the rules
    that do not count. AssertionError when a selector finds nothing: nothing would be looked at.
    """
    context = _context(page, axe, include)
    return page.evaluate(
        RUN, {"context": context, "tags": list(tags), "exceptions": ["color-contrast", *exceptions]}
    )


def pale_texts(page: object, axe: Path, include: tuple[str, ...] = ("html",)) -> list[str]:
    """Return a line for each text too close to the colour behind it, or that axe-core left out.

    It does so in silence: the palest text there would pass. This rule alone takes longer than all
    others, which do not depend on colours.
    """
    return page.evaluate(PALE, _context(page, axe, include))


def _context(page: object, axe: Path, include: tuple[str, ...]) -> dict[str, list]:
    for selector in include:
        assert page.locator(selector).count(), f"nothing to look at: {selector}"
    if not page.evaluate("() => !!window.axe"):
        page.evaluate(axe.read_text(encoding="utf-8"))
    return {"include": [[selector] for selector in include]}
