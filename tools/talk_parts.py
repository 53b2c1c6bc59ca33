"""What a notebook holds for a talk: its parts, and in them groups of blocks that may be shown.

A block is a paragraph, a poll, code of at most 12 lines, its result, a table, a formula or a
figure; its height on a slide is estimated. All else is text for the speaker's notes.
"""

import ast
import html
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import reading_time
from nbformat import NotebookNode
from pages import STILL, FiguresWithCaptions, picture

MOST_LINES = 12
# Sizes of a slide, in pixels of 1280 x 720; the style sheet, talk.css, has the same.
ROOM, WIDTH, GAP = 588, 1180, 14
LINE, LETTERS = 40, 72  # letters on a line of text, with a wide font
CAPTION_LETTERS, POLL_LETTERS = 78, 64
SMALLEST, LARGEST = 18, 24  # letters of code
LEAD_WORDS, SENTENCE_WORDS, EXERCISE_WORDS = 40, 60, 100
AIMS = "You will be able to"  # the recap says them again
LISTS = (AIMS, "Recap", "Your project")

# What a group counts; ALWAYS stays.
TEXT, NUMBER, RUN, CLAIM, RECIPE, FORMULA, BEFORE_WIDGET, ALWAYS = range(8)

HEADING = re.compile(r"^(#{1,4}) (.+)$")
PREDICT = re.compile(r"> \*\*Predict\.\*\*")
ANSWER = re.compile(r"<details><summary>The answer</summary>(.*?)</details>", re.DOTALL)
PIECES = re.compile(r"(```.*?^```|<details>.*?</details>|<!--.*?-->)", re.DOTALL | re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.?!:])(?<!e\.g\.)\s+(?=[A-Z`*\"(])")
MINUTES_LINE = re.compile(r"^\*Read \d+ min")


@dataclass
class Block:
    """One thing on a slide. `source` is Markdown, code, printed text, or an output's HTML."""

    kind: str
    source: str
    height: float
    fragment: bool = False
    columns: int = 0
    caption: str = ""
    alt: str = ""
    live: str = ""


@dataclass
class Group:
    """Blocks that stay on one slide, and what they count."""

    blocks: list[Block]
    counts: int


@dataclass
class Part:
    """A part of a notebook: its groups in order, with what is said between them as text."""

    title: str
    level: int
    lead: str = ""
    entries: list[Group | str] = field(default_factory=list)

    @property
    def is_exercise(self) -> bool:
        return self.title.startswith("Exercise ")


def parts_of(notebook: NotebookNode) -> list[Part]:
    """Return the parts of a notebook, each from one heading to the next."""
    notebook, _ = FiguresWithCaptions().preprocess(notebook, {})
    reader = _Reader()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for piece in pieces(cell.source):
                reader.read_text(piece)
        else:
            reader.read_code(cell)
    return reader.parts


class _Reader:
    """Sorts what stands in a notebook, piece by piece, into parts and groups."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.poll: Group | None = None  # the prediction whose result is still to come
        self.asked: Group | None = None  # the one whose answer is still to come

    @property
    def part(self) -> Part:
        return self.parts[-1]

    def read_text(self, piece: str) -> None:
        """Take a piece of Markdown."""
        if heading := HEADING.match(piece):
            self.parts.append(Part(heading[2], len(heading[1])))
            self.poll = self.asked = None
        elif MINUTES_LINE.match(piece):
            self.part.entries.append(piece)
        elif PREDICT.match(piece):
            self.ask(piece)
        elif answer := ANSWER.match(piece):
            self.answer(answer[1].strip())
        elif piece.startswith("$$"):
            self.add(Group([Block("formula", piece, 90 + 40 * piece.count("\\\\"))], FORMULA))
        elif piece.startswith("|"):
            self.add_table(piece)
        elif re.match(r"[-*] |\d+\. ", piece):
            self.add_list(piece)
        elif piece.startswith("<img") or piece.startswith("!["):
            self.add(Group([Block("text", piece, 360)], TEXT))
        elif not self.part.lead and not groups_of(self.part):
            self.part.lead = piece
        else:
            self.part.entries.append(piece)

    def add(self, group: Group) -> None:
        """Take a group."""
        self.part.entries.append(group)

    def add_list(self, piece: str) -> None:
        """Show a list if it is short, or the point of its part; else it is said."""
        items = re.split(r"\n(?=[-*] |\d+\. )", piece)
        height = sum(text_height(item, LETTERS - 4) + 8 for item in items)
        if self.part.title.startswith(LISTS) or self.part.is_exercise:
            self.add(Group([Block("text", piece, height)], ALWAYS))
        elif height < 240:
            self.add(Group([Block("text", piece, height)], TEXT))
        else:
            self.part.entries.append(piece)

    def add_table(self, piece: str) -> None:
        """Show a table that can be read from the last row."""
        rows = piece.splitlines()
        longest = max(len(row) for row in rows)
        if len(rows) <= 8 and longest <= 110:
            self.add(Group([Block("table", piece, 52 * (len(rows) - 1))], NUMBER))
        else:
            self.part.entries.append(piece)

    def ask(self, piece: str) -> None:
        """Begin a poll, with what has to be known before it."""
        before = []
        if self.part.entries and isinstance(self.part.entries[-1], str):
            context = last_words(self.part.entries[-1])
            before = [text_block(context)] if len(context.split()) > 4 else []
        question = re.sub(r"^> ?", "", piece, flags=re.MULTILINE)
        self.poll = self.asked = Group([*before, *poll_blocks(question)], ALWAYS)
        self.add(self.poll)

    def answer(self, text: str) -> None:
        """Take the answer to a prediction; it is shown by the next key."""
        if self.asked:
            first, *_ = pieces(text)
            block = text_block(first_words(first, LEAD_WORDS))
            block.fragment = True
            self.asked.blocks.append(block)
        self.part.entries.append(text)
        self.asked = None

    def read_code(self, cell: NotebookNode) -> None:
        """Take a code cell with its outputs."""
        if is_set_up(cell):
            return
        code, result = code_blocks(cell), result_blocks(cell)
        if self.part.is_exercise:
            self.add(Group(code, TEXT))
        elif self.poll:
            self.run_poll(code, result)
        elif (counts := importance(cell, code, result)) is not None:
            self.add(Group([*code, *result], counts))
        for output in cell.outputs:
            self.read_output(output)

    def run_poll(self, code: list[Block], result: list[Block]) -> None:
        """Show what is run below the poll if there is room, and its result by the next key."""
        for block in result:
            block.fragment = True
        whole = [*self.poll.blocks, *code, *result]
        self.poll.blocks += [*code, *result] if needed(whole) + 2 * LINE <= ROOM else result
        self.poll = None

    def read_output(self, output: NotebookNode) -> None:
        """Take a figure or the still picture of a widget."""
        data = output.get("data", {})
        if "image/png" in data:
            self.add(Group([picture_block(output)], ALWAYS))
        elif still := STILL.match(data.get("text/html", "")):
            block = widget_block(still, output.metadata)
            before = [group for group in groups_of(self.part) if group.blocks[0].kind == "picture"]
            if before and is_same_picture(before[-1].blocks[0], block):
                # The widget starts where the figure has explained it: one slide is enough.
                self.part.entries.remove(before[-1])
                block.caption = before[-1].blocks[0].caption
                if block.live:  # moved, it would not be what the caption describes
                    self.part.entries.append(block.caption)
                    block.caption = ""
            elif before:
                before[-1].counts = BEFORE_WIDGET
            self.add(Group([block], ALWAYS))
            if "live-note" in output.metadata:
                self.part.entries.append(f"**The widget.** {output.metadata['live-note']}")


def groups_of(part: Part) -> list[Group]:
    """Return the groups of a part."""
    return [entry for entry in part.entries if isinstance(entry, Group)]


def said(block: Block) -> str:
    """Return what is said of a block that is not shown."""
    return block.source if block.kind in ("text", "table") else block.caption


def pieces(source: str) -> Iterator[str]:
    """Yield headings, paragraphs, lists, tables and what is folded in some Markdown."""
    for part in PIECES.split(source):
        if part.startswith("<!--"):
            continue
        if part.startswith(("```", "<details>")):
            yield part
            continue
        apart = re.sub(r"^(#{1,4} .+)$", r"\n\1\n", part, flags=re.MULTILINE)
        yield from (text.strip() for text in re.split(r"\n\s*\n", apart) if text.strip())


def sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph, on one line each."""
    return SENTENCE.split(" ".join(text.split()))


def first_words(text: str, most: int) -> str:
    """Return the first sentences of a paragraph, as many as there are words for."""
    first, *rest = sentences(text)
    kept = [first] if len(first.split()) <= max(most, SENTENCE_WORDS) else []
    for sentence in rest:
        if not kept or len(" ".join([*kept, sentence]).split()) > most:
            break
        kept.append(sentence)
    if len(kept) > 1 and kept[-1].endswith(":"):  # it leads to what is not there
        kept.pop()
    return re.sub(r":$", ".", " ".join(kept))


def last_words(text: str) -> str:
    """Return the last sentences of a paragraph, as many as there are words for."""
    kept: list[str] = []
    for sentence in reversed(sentences(text)):
        if kept and len(" ".join([sentence, *kept]).split()) > LEAD_WORDS:
            break
        kept.insert(0, sentence)
    return " ".join(kept)


def text_height(text: str, letters: int = LETTERS) -> float:
    """Return how tall some text will be."""
    return LINE * math.ceil(len(re.sub(r"[*`]|\]\([^)]*\)", "", text)) / letters)


def text_block(text: str) -> Block:
    """Return a paragraph."""
    return Block("text", text, text_height(text))


def poll_blocks(question: str) -> list[Block]:
    """Return a prediction as a poll: the question, and its choices on lines of their own."""
    text = " ".join(question.split())
    parts = re.split(r"\s*\(([a-e])\)\s*", text)
    letters = parts[1::2]
    if letters != list("abcde")[: len(letters)] or len(letters) < 2:
        return [Block("poll", text, text_height(text, POLL_LETTERS))]
    choices = [re.sub(r"(?:,|;|\.)?(?: or)?\s*$", "", choice) for choice in parts[2::2]]
    lines = "\n".join(f"{i}. {choice}" for i, choice in enumerate(choices, 1))
    height = text_height(parts[0], POLL_LETTERS) + 22
    height += sum(text_height(choice, POLL_LETTERS - 4) + 8 for choice in choices)
    return [Block("poll", f"{parts[0]}\n\n{lines}", height)]


def is_set_up(cell: NotebookNode) -> bool:
    """Return whether code is nothing to talk about: imports, or calls that are commented out."""
    lines = cell.source.splitlines()
    if all(line.startswith("#") for line in lines):
        return True
    return cell.source.startswith("from lossutils.teaching import") and not cell.outputs


def code_size(lines: list[str]) -> tuple[int, float]:
    """Return how many columns some lines have, and how tall they will be."""
    # A line that is longer still, an error as a rule, is broken instead.
    columns = max((len(line) for line in lines if len(line) <= 100), default=60)
    letter = min(LARGEST, max(SMALLEST, (WIDTH - 40) / (0.61 * max(columns, 1))))
    room = (WIDTH - 40) / (0.61 * letter)
    count = sum(max(1, math.ceil(len(line) / room)) for line in lines)
    return columns, count * letter * 1.35 + 24


def code_blocks(cell: NotebookNode) -> list[Block]:
    """Return the code of a cell, unless it is too long for a slide or only draws and claims."""
    source = without_claims(cell.source)
    lines = source.splitlines()
    is_quiet = bool(cell.outputs) and not re.search(r"print|shows_|show_|check\(", source)
    if is_quiet or not 0 < len(lines) <= MOST_LINES or reading_time.is_folded(cell):
        return []
    columns, height = code_size(lines)
    code = Block("code", source, height, columns=columns)
    prints = any(output.output_type == "stream" for output in cell.outputs)
    if prints and not result_blocks(cell):
        return []
    return [code] if needed([code, *result_blocks(cell)]) <= ROOM else []


def without_claims(code: str) -> str:
    """Return code without its claims: what they say is printed below it."""
    lines = code.splitlines()
    for node in reversed(ast.parse(code).body):
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "claim":
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines).strip("\n")


def result_blocks(cell: NotebookNode) -> list[Block]:
    """Return what a cell prints, unless it is too long for a slide."""
    printed = "".join(o.text for o in cell.outputs if o.output_type == "stream")
    values = (o.data.get("text/plain", "") for o in cell.outputs if "execute_result" in o.values())
    text = (printed + "".join(values)).rstrip("\n")
    lines = text.splitlines()
    if not lines or len(lines) > MOST_LINES:
        return []
    columns, height = code_size(lines)
    return [Block("result", text, height, columns=columns)]


def importance(cell: NotebookNode, code: list[Block], result: list[Block]) -> int | None:
    """Return what a cell counts in a talk, None if nothing.

    Code without its result is shown if it is the recipe, or the right version; a single number
    without its code says nothing.
    """
    if code and any(re.match(r"D\d", tag) for tag in cell.metadata.get("tags", [])):
        return RECIPE
    if not result:
        return None
    if "✓" in result[0].source:
        return CLAIM
    if code:
        return RUN
    return NUMBER if "\n" in result[0].source else None


def picture_block(output: NotebookNode) -> Block:
    """Return a figure, as wide as the slide unless it is tall."""
    meta = output.metadata
    caption = meta.get("caption", "")
    height = picture_height(meta.width, meta.height, caption)
    png, alt = output.data["image/png"], meta.get("alt", "")
    return Block("picture", png, height, caption=caption, alt=alt)


def widget_block(still: re.Match, metadata: NotebookNode) -> Block:
    """Return a widget as its still picture, with what live.js needs if it was recorded."""
    width, height = picture(still["png"]).size
    alt = html.unescape(re.search(r'alt="([^"]*)"', still[0])[1])
    needed = picture_height(width, height, "a line")
    return Block("widget", still["png"], needed, alt=alt, live=metadata.get("live", ""))


def is_same_picture(one: Block, other: Block) -> bool:
    """Return whether two pictures are equal, however they are compressed."""
    return picture(one.source).tobytes() == picture(other.source).tobytes()


def picture_height(width: int, height: int, caption: str) -> float:
    """Return the room that a figure must have; the style sheet gives it all that there is."""
    return min(0.9 * WIDTH * height / width, 450) + text_height(caption, CAPTION_LETTERS)


def needed(blocks: list[Block]) -> float:
    """Return how tall some blocks are together."""
    return sum(block.height + GAP for block in blocks)
