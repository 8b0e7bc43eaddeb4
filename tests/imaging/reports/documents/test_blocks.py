"""Typed text keeps its lines and lists, and becomes nothing else."""

from imaging.reports.documents.blocks import Block, blocks


def test_lines_lists_and_paragraphs_are_kept() -> None:
    typed = "First.\nSecond.\n- one\n- two\n  goes on\n\n1. a\n2) b\nEnd."
    assert blocks(typed) == (
        Block(("First.", "Second.")),
        Block(("one", "two goes on"), ("•", "•")),
        Block(("a", "b"), ("1.", "2)")),
        Block(("End.",)),
    )


def test_what_only_looks_like_a_list_stays_a_line() -> None:
    typed = "-5 HU\n2.5 cm\n*not bold*\n1987. Operation"
    assert blocks(typed) == (Block(("-5 HU", "2.5 cm", "*not bold*", "1987. Operation")),)


def test_nothing_gives_nothing() -> None:
    assert blocks(" \n\n ") == ()
