"""Control flow: postdominators of graphs with loops, and with paths that stop dead."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anyclue.review.pairs.engine.control_flow import EXIT, ControlFlow
from anyclue.review.pairs.rules.program import Program

TEXTS = {
    "no loop": "int f(int a)\n{\n\tif (a)\n\t\tg();\n\telse\n\t\th();\n\treturn a;\n}\n",
    "a loop": "int f(int a)\n{\n\twhile (a)\n\t\tif (g(a))\n\t\t\tbreak;\n\treturn a;\n}\n",
    "a loop without an end": "void f(int a)\n{\n\tfor (;;)\n\t\tif (a)\n\t\t\tg();\n}\n",
    "a dead end": "int f(int a)\n{\n\tif (a)\n\t\tBUG();\n\tBUG_ON(g(a));\n\treturn a;\n}\n",
    "jumps back": "int f(int a)\n{\nagain:\n\tif (g(a))\n\t\tgoto again;\n\treturn a;\n}\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_every_step_comes_behind_its_postdominator(
    analyse: Callable[[str], Program], text: str
) -> None:
    steps = analyse(text).files["x.c"].functions[0].function.steps
    flow = ControlFlow(steps)
    order = list(flow.postdominator_order)
    assert sorted(order) == list(range(len(steps)))
    for number, nearest in enumerate(flow.immediate_postdominators):
        assert nearest == EXIT or order.index(nearest) < order.index(number)


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_loops_are_what_leads_back_to_itself(analyse: Callable[[str], Program], text: str) -> None:
    steps = analyse(text).files["x.c"].functions[0].function.steps
    flow = ControlFlow(steps)
    back = {
        number
        for number in range(len(steps))
        if number in flow.reachable_from(list(flow.after[number]))
    }
    assert flow.in_loop == back
