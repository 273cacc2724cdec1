"""Statements of C, as a graph of steps: from a parsed function to what can be judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tree_sitter import Node

from anyclue.review.pairs.frontend.expressions import Expressions, TooDeepError
from anyclue.review.pairs.frontend.scopes import Scopes
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values
from anyclue.review.pairs.ir.graph import Edge, Graph
from anyclue.review.source.model import Cleanup
from anyclue.review.source.vocabulary import SCOPED_MACRO

DEPTH = 120
"""Statements nested deeper than this are not followed."""
NODES = 20_000
"""A function with more steps than this is not judged."""

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_CONSTRUCTED = {"scoped_guard": 1, "scoped_class": 2, "scoped_cond_guard": 2}
"""Macros whose first argument names a class; which argument is the first of its constructor."""
_JUMP_ARGUMENT = re.compile(r"goto_(?P<label>\w+)|Return|return_(?P<value>.*)")
"""A jump that is a macro's argument, as review/source/macro_arguments.py makes it a name."""
_CONSTANT = re.compile(r"-?(?:\d+|[A-Z][A-Z0-9_]+)")
_CONDITIONAL = ("_try", "_intr", "_kill")
"""How the names of locks end that may not be got; then the body is skipped."""


@dataclass(frozen=True, kw_only=True)
class FileContext:
    """What a file tells about its functions.

    Attributes:
        text: the cleaned source.
        macros: byte offset of a rewritten token to the macro's name (iterators).
        cleanups: the declarations' ``__free(...)`` and the like.
    """

    text: bytes
    macros: Mapping[int, str]
    cleanups: tuple[Cleanup, ...]


@dataclass
class _Loops:
    """Where ``break`` and ``continue`` lead, each with how many blocks are open there."""

    breaks: list[tuple[list[Edge], int]] = field(default_factory=list)
    continues: list[tuple[int, int]] = field(default_factory=list)


class Lowering:
    """One function on its way to a graph."""

    def __init__(self, context: FileContext, parameters: frozenset[str]) -> None:
        self._context = context
        self._parameters = parameters
        self._text = context.text
        self.graph = Graph()
        self._expressions = Expressions(self.graph, context.text, self._compound)
        self._loops = _Loops()
        self._scopes = Scopes(self.graph)
        self._targets: dict[str, int] | None = None
        self._labels: dict[str, int] = {}
        self._placed: set[str] = set()
        self.locals: set[str] = set()
        self.arrays: set[str] = set()
        self._depth = 0

    def _words(self, node: Node) -> str:
        return self._expressions.words(node)

    def statement(self, node: Node) -> None:
        """Add one statement's steps."""
        handler = _STATEMENTS.get(node.type)
        if handler is None:
            return
        self._depth += 1
        if self._depth > DEPTH or len(self.graph) > NODES:
            raise TooDeepError
        self._expressions.new_statement()
        handler(self, node)
        self._depth -= 1

    def _compound(self, node: Node) -> None:
        self._scopes.enter(node)
        for child in node.named_children:
            self.statement(child)
        self._scopes.leave()

    def _expression(self, node: Node) -> None:
        for child in node.named_children:
            if self._scoped_object(child) or self._prepared_file(child):
                continue
            value = self._expressions.value(child)
            function = child.child_by_field_name("function")
            if function is not None and self._words(function) == "return_ptr":
                self._scopes.jump_out(0, node.start_byte)
                self.graph.leave(node.start_byte, value)

    def _scoped_object(self, node: Node) -> bool:
        """Follow ``guard(name)(arguments)``, ``CLASS(name, variable)(arguments)``, ``ACQUIRE``."""
        inner = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        if inner is None or inner.type != "call_expression" or arguments is None:
            return False
        called, names = (inner.child_by_field_name(one) for one in ("function", "arguments"))
        kind = self._words(called) if called is not None else ""
        if names is None or kind not in ("guard", "CLASS", "ACQUIRE") or not names.named_children:
            return False
        given = tuple(self._expressions.argument(one) for one in arguments.named_children)
        listed = [self._words(one) for one in names.named_children]
        variable = listed[1] if kind != "guard" and len(listed) == 2 else ""
        if variable and not _IDENTIFIER.fullmatch(variable):
            return False
        if variable:
            self.locals.add(variable)
        self._scopes.guard(node, listed[0], given, variable)
        return True

    def _prepared_file(self, node: Node) -> bool:
        """Follow ``FD_PREPARE(variable, flags, file)``: from now on the variable owns the file."""
        function = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        if function is None or arguments is None or self._words(function) != "FD_PREPARE":
            return False
        listed = [one for one in arguments.named_children if one.type != "comment"]
        if len(listed) != 3 or listed[0].type != "identifier":
            return False
        self.locals.add(self._words(listed[0]))
        self._expressions.value(listed[1])
        self._expressions.store(node, None, listed[2])
        return True

    def _declaration(self, node: Node) -> None:
        fixed = any(
            child.type == "storage_class_specifier" and self._words(child) in ("static", "extern")
            for child in node.children
        )
        cleanups = [
            one for one in self._context.cleanups if node.start_byte <= one.offset < node.end_byte
        ]
        for declarator in node.children_by_field_name("declarator"):
            name = self._declared(declarator)
            if name is None:
                continue
            if fixed:
                continue
            self.locals.add(name)
            if _is_array(declarator):
                self.arrays.add(name)
            if name in self._parameters:
                self._scopes.hide(declarator, name)
            if declarator.type == "init_declarator":
                value = declarator.child_by_field_name("value")
                self._expressions.store(declarator, name, value)
            else:
                # One that is cleaned up was set by its macro, to NULL.
                self.graph.assign(declarator.start_byte, name, "#0" if cleanups else None)
            for one in cleanups:
                if declarator.start_byte <= one.offset < declarator.end_byte or (
                    one.offset < declarator.start_byte or len(cleanups) == 1
                ):
                    self._scopes.clean_up(declarator, one.name, name)
                    break

    def _declared(self, node: Node | None) -> str | None:
        while node is not None and node.type not in ("identifier", "field_identifier"):
            inner = node.child_by_field_name("declarator")
            if inner is None:
                named = [one for one in node.named_children if one.type.endswith("declarator")]
                identifiers = [one for one in node.named_children if one.type == "identifier"]
                inner = next(iter(named or identifiers), None)
            node = inner
        return self._words(node) if node is not None else None

    def _if(self, node: Node) -> None:
        graph = self.graph
        yes, no = self._expressions.condition(node.child_by_field_name("condition"))
        graph.open = yes
        consequence = node.child_by_field_name("consequence")
        if consequence is not None:
            self.statement(consequence)
        after = graph.open
        graph.open = no
        alternative = node.child_by_field_name("alternative")
        if alternative is not None:
            for child in alternative.named_children:
                self.statement(child)
        graph.open = after + graph.open

    def _loop(
        self,
        node: Node,
        condition: Node | None,
        update: Node | None,
        body: Node | None,
        *,
        iterator: str = "",
    ) -> None:
        graph = self.graph
        head = graph.loop_head(node.start_byte)
        graph.continue_at(head)
        if iterator and condition is not None:
            yes, no = self._iteration(node, condition, iterator)
        else:
            yes, no = self._expressions.condition(condition, loop=True)
        again = graph.place()
        self._loops.breaks.append(([], self._scopes.depth))
        self._loops.continues.append((again, self._scopes.depth))
        graph.open = yes
        if body is not None:
            self.statement(body)
        graph.continue_at(again)
        if update is not None:
            self._expressions.value(update)
        graph.join(graph.open, head)
        self._loops.continues.pop()
        graph.open = no + self._loops.breaks.pop()[0]

    def _iteration(self, node: Node, arguments: Node, name: str) -> tuple[list[Edge], list[Edge]]:
        """Begin an iteration of ``for_each_...(cursor, ...)``: the cursor is set anew."""
        graph = self.graph
        listed = _flat(arguments)
        given = tuple(self._expressions.argument(one) for one in listed)
        graph.call(node.start_byte, graph.temporary(), name, given)
        for path in given[:1]:
            if path is not None and not paths.is_constant(path):
                graph.assign(node.start_byte, path, None)
        key = graph.temporary()
        # Asked anew at every iteration.
        graph.assign(node.start_byte, key, None)
        return graph.branch(node.start_byte, key, values.NONZERO, key, loop=True)

    def _while(self, node: Node) -> None:
        name = self._context.macros.get(node.start_byte, "")
        condition = node.child_by_field_name("condition")
        body = node.child_by_field_name("body")
        if SCOPED_MACRO.fullmatch(name):
            self._scoped(node, name, condition, body)
            return
        self._loop(node, condition, None, body, iterator=name)

    def _scoped(self, node: Node, name: str, condition: Node | None, body: Node | None) -> None:
        """Follow a macro that runs its body once, in a ``for`` of its own."""
        graph, depth = self.graph, self._scopes.depth
        end = graph.place()
        listed = _flat(condition) if condition is not None else []
        self._scopes.enter(node)
        skipped: list[Edge] = []
        if listed and name in _CONSTRUCTED:
            constructor = self._words(listed[0])
            variable = self._words(listed[1]) if name == "scoped_class" and listed[1:] else ""
            given = listed[_CONSTRUCTED[name] :]
            arguments = tuple(self._expressions.argument(one) for one in given)
            if _IDENTIFIER.fullmatch(variable):
                self.locals.add(variable)
            else:
                variable = ""
            refused: list[Edge] = []
            if name == "scoped_cond_guard" or constructor.endswith(_CONDITIONAL):
                key = graph.temporary()
                graph.assign(node.start_byte, key, None)
                graph.open, refused = graph.branch(
                    node.start_byte, key, values.NONZERO, key, loop=False
                )
            got, graph.open = graph.open, refused
            if name == "scoped_cond_guard" and listed[1:]:
                self._refused(listed[1])
            skipped, graph.open = graph.open, got
            self._scopes.guard(node, constructor, arguments, variable)
        else:
            for one in listed:
                self._expressions.value(one)
        self._loops.breaks.append((skipped, depth))
        self._loops.continues.append((end, depth))
        if body is not None:
            self.statement(body)
        self._scopes.leave()
        self._loops.continues.pop()
        graph.continue_at(end)
        graph.open += self._loops.breaks.pop()[0]

    def _refused(self, node: Node) -> None:
        """Follow the argument of ``scoped_cond_guard()`` that is done where there is no lock.

        A ``break`` or ``continue`` there only leaves the loop that the macro hides.
        """
        jump = _JUMP_ARGUMENT.fullmatch(self._words(node))
        if jump is not None and jump["label"] is not None:
            self._jump(node, jump["label"])
            return
        given = (jump["value"] if jump is not None else None) or ""
        if _CONSTANT.fullmatch(given):
            value: str | None = f"#{given}"
        else:
            value = given if _IDENTIFIER.fullmatch(given) else self._expressions.value(node)
        if jump is not None:
            self._scopes.jump_out(0, node.start_byte)
            self.graph.leave(node.start_byte, value)

    def _do(self, node: Node) -> None:
        graph = self.graph
        head = graph.loop_head(node.start_byte)
        graph.continue_at(head)
        again = graph.place()
        self._loops.breaks.append(([], self._scopes.depth))
        self._loops.continues.append((again, self._scopes.depth))
        body = node.child_by_field_name("body")
        if body is not None:
            self.statement(body)
        graph.continue_at(again)
        yes, no = self._expressions.condition(node.child_by_field_name("condition"), loop=True)
        graph.join(yes, head)
        self._loops.continues.pop()
        graph.open = no + self._loops.breaks.pop()[0]

    def _for(self, node: Node) -> None:
        first = node.child_by_field_name("initializer")
        if first is not None:
            if first.type == "declaration":
                self._declaration(first)
            else:
                self._expressions.value(first)
        self._loop(
            node,
            node.child_by_field_name("condition"),
            node.child_by_field_name("update"),
            node.child_by_field_name("body"),
        )

    def _switch(self, node: Node) -> None:
        graph = self.graph
        tested = self._expressions.place(node.child_by_field_name("condition"))
        if tested is None:
            tested = graph.temporary()
        body = node.child_by_field_name("body")
        cases = [one for one in body.named_children if one.type == "case_statement"] if body else []
        self._loops.breaks.append(([], self._scopes.depth))
        targets = []
        default = None
        for case in cases:
            place = graph.place()
            targets.append((case, place))
            value = case.child_by_field_name("value")
            if value is None:
                default = place
                continue
            constant = self._expressions.value(value)
            if constant is None or not paths.is_constant(constant):
                constant = f"#{self._words(value)}"
            known: int | str = values.ZERO if constant == "#0" else constant
            yes, graph.open = graph.branch(case.start_byte, tested, known, tested, loop=False)
            graph.join(yes, place)
        if default is not None:
            graph.join(graph.open, default)
            graph.open = []
        out = graph.open
        graph.open = []
        for case, place in targets:
            graph.continue_at(place)
            value = case.child_by_field_name("value")
            for child in case.named_children:
                if value is None or child.start_byte != value.start_byte:
                    self.statement(child)
        graph.open = graph.open + out + self._loops.breaks.pop()[0]

    def _break(self, node: Node) -> None:
        if self._loops.breaks:
            edges, depth = self._loops.breaks[-1]
            self._scopes.jump_out(depth, node.start_byte)
            edges += self.graph.open
        self.graph.open = []

    def _continue(self, node: Node) -> None:
        if self._loops.continues:
            place, depth = self._loops.continues[-1]
            self._scopes.jump_out(depth, node.start_byte)
            self.graph.join(self.graph.open, place)
        self.graph.open = []

    def _label(self, name: str) -> int:
        if name not in self._labels:
            self._labels[name] = self.graph.place()
        return self._labels[name]

    def _labeled(self, node: Node) -> None:
        label = node.child_by_field_name("label")
        if label is not None:
            name = self._words(label)
            place = self._label(name)
            if name not in self._placed:
                self._placed.add(name)
                self.graph.locate(place, node.start_byte)
                self.graph.continue_at(place)
        for child in node.named_children:
            if child.type != "statement_identifier":
                self.statement(child)

    def _goto(self, node: Node) -> None:
        label = node.child_by_field_name("label")
        if label is not None:
            self._jump(node, self._words(label))

    def _jump(self, node: Node, name: str) -> None:
        """Go to a label."""
        graph = self.graph
        if graph.open:
            graph.jump(node.start_byte)
            target = self._target(node, name)
            if target is not None:
                self._scopes.jump_to(target, node.start_byte)
            place = self._label(name)
            if name in self._placed:
                graph.make_loop_head(place)
            graph.join(graph.open, place)
        graph.open = []

    def _return(self, node: Node) -> None:
        children = [one for one in node.named_children if one.type != "comment"]
        path = self._expressions.value(children[0]) if children else None
        self._scopes.jump_out(0, node.start_byte)
        self.graph.leave(node.start_byte, path)

    def _target(self, node: Node, name: str) -> int | None:
        """Return the byte at which a label stands."""
        if self._targets is None:
            self._targets = {}
            pending: list[Node | None] = [node]
            while pending[-1] is not None and pending[-1].type != "function_definition":
                pending.append(pending[-1].parent)
            pending = pending[-1:]
            while pending:
                one = pending.pop()
                if one is None or "expression" in one.type:
                    continue
                if one.type == "labeled_statement":
                    label = one.child_by_field_name("label")
                    if label is not None:
                        self._targets.setdefault(self._words(label), one.start_byte)
                pending += one.named_children
        return self._targets.get(name)

    def _children(self, node: Node) -> None:
        for child in node.named_children:
            self.statement(child)


def _is_array(node: Node) -> bool:
    """Tell whether a declarator declares an array, not a pointer to one."""
    inner: Node | None = node
    while inner is not None and inner.type in ("init_declarator", "pointer_declarator"):
        inner = inner.child_by_field_name("declarator")
    return inner is not None and inner.type == "array_declarator"


def _flat(node: Node) -> list[Node]:
    """Return the arguments of a rewritten iterator: a comma expression, taken apart."""
    pending, listed = [node], []
    while pending:
        one = pending.pop()
        if one.type in ("parenthesized_expression", "comma_expression", "argument_list"):
            pending.extend(reversed(one.named_children))
        else:
            listed.append(one)
    return listed


_STATEMENTS: dict[str, Callable[[Lowering, Node], None]] = {
    "compound_statement": Lowering._compound,
    "expression_statement": Lowering._expression,
    "declaration": Lowering._declaration,
    "if_statement": Lowering._if,
    "while_statement": Lowering._while,
    "do_statement": Lowering._do,
    "for_statement": Lowering._for,
    "switch_statement": Lowering._switch,
    "break_statement": Lowering._break,
    "continue_statement": Lowering._continue,
    "labeled_statement": Lowering._labeled,
    "goto_statement": Lowering._goto,
    "return_statement": Lowering._return,
    "attributed_statement": Lowering._children,
    "case_statement": Lowering._children,
    "else_clause": Lowering._children,
    "ERROR": Lowering._children,
    "preproc_if": Lowering._children,
    "preproc_ifdef": Lowering._children,
}


def lower(
    node: Node, context: FileContext, *, name: str, static: bool, annotated: bool, trouble: str
) -> ir.FunctionIR:
    """Return a function's graph.

    Args:
        node: the ``function_definition``.
        context: what its file tells.
        name: its name.
        static: whether it is visible in its file only.
        annotated: whether ``__acquires()`` or ``__releases()`` stands at its head.
        trouble: why it can't be judged, when that is known already.
    """
    parameters, returns = _signature(node, context.text)
    lowering = Lowering(context, frozenset(parameters))
    steps: tuple[ir.Step, ...] = ()
    body = node.child_by_field_name("body")
    try:
        if body is not None and not trouble:
            lowering.statement(body)
            lowering.graph.end(max(node.end_byte - 1, node.start_byte))
            steps = lowering.graph.finish()
    except TooDeepError:
        trouble, steps = "nested too deeply, or too long, to be followed", ()
    return ir.FunctionIR(
        name=name,
        static=static,
        parameters=parameters,
        returns=returns,
        locals=frozenset(lowering.locals - set(parameters)),
        arrays=frozenset(lowering.arrays - set(parameters)),
        steps=steps,
        begin=node.start_byte,
        end=node.end_byte,
        line=node.start_point[0] + 1,
        last_line=node.end_point[0] + 1,
        annotated=annotated,
        trouble=trouble,
    )


def _signature(node: Node, text: bytes) -> tuple[tuple[str, ...], str]:
    """Return a function's parameter names, and what it returns."""
    pointer = False
    inner = node.child_by_field_name("declarator")
    while inner is not None and inner.type != "function_declarator":
        pointer = pointer or inner.type == "pointer_declarator"
        inner = inner.child_by_field_name("declarator")
    type_node = node.child_by_field_name("type")
    void = type_node is not None and text[type_node.start_byte : type_node.end_byte] == b"void"
    returns = "pointer" if pointer else "void" if void else "value"
    listed = inner.child_by_field_name("parameters") if inner is not None else None
    names: list[str] = []
    for one in _declarations(listed.named_children if listed is not None else ()):
        found: Node | None = one.child_by_field_name("declarator")
        while found is not None and found.type != "identifier":
            deeper = found.child_by_field_name("declarator")
            if deeper is None:
                deeper = next((c for c in found.named_children if "declarator" in c.type), None)
            if deeper is None:
                deeper = next((c for c in found.named_children if c.type == "identifier"), None)
            found = deeper
        words = text[found.start_byte : found.end_byte].decode("latin-1") if found else ""
        names.append(words if _IDENTIFIER.fullmatch(words) else f"%p{len(names)}")
    return tuple(names), returns


def _declarations(nodes: Iterable[Node]) -> Iterable[Node]:
    return (one for one in nodes if one.type == "parameter_declaration")
