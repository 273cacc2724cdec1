"""Expressions of C, as steps on access paths."""

from __future__ import annotations

import re
from collections.abc import Callable

from tree_sitter import Node

from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values
from anyclue.review.pairs.ir.graph import Edge, Graph
from anyclue.review.source.vocabulary import FAILURE_NAMES, ZERO_NAMES

DEPTH = 150
"""Expressions nested deeper than this are not followed."""

TRANSPARENT = frozenset(
    (
        *("likely", "unlikely", "READ_ONCE", "ACCESS_ONCE", "data_race", "rcu_dereference"),
        *("rcu_dereference_protected", "rcu_dereference_check", "rcu_dereference_raw"),
        *("rcu_access_pointer", "WARN_ON", "WARN_ON_ONCE", "XFS_IS_CORRUPT"),
    )
)
"""Macros whose value is their first argument's (``XFS_IS_CORRUPT`` has it second)."""

ASKS = frozenset(
    (
        *("likely", "unlikely", "WARN", "WARN_ONCE", "WARN_ON", "WARN_ON_ONCE", "WARN_RATELIMIT"),
        *("WARN_ON_RATELIMIT", "WARN_TAINT", "WARN_TAINT_ONCE", "VM_WARN_ON", "VM_WARN_ON_ONCE"),
    )
)
"""Macros whose value, as a condition, is their first argument's."""

STORES = frozenset(["WRITE_ONCE", "rcu_assign_pointer", "smp_store_release", "RCU_INIT_POINTER"])
SIGN_COPIES = frozenset(["PTR_ERR", "ERR_PTR", "ERR_CAST"])
ENDINGS = frozenset(
    ["BUG_ON", "VM_BUG_ON", "VM_BUG_ON_PAGE", "VM_BUG_ON_FOLIO", "f2fs_bug_on", "J_ASSERT_NOT"]
)
ASSERTIONS = frozenset(["ASSERT", "J_ASSERT", "jbd2_assert", "ubifs_assert"])
NOT_EVALUATED = frozenset(
    ["sizeof", "typeof", "__typeof__", "offsetof", "BUILD_BUG_ON", "__builtin_offsetof"]
)
BIT_TESTS = frozenset(["test_bit", "test_bit_acquire"])
BIT_CHANGES = {"set_bit": "#1", "__set_bit": "#1", "clear_bit": "#0", "__clear_bit": "#0"}
"""Calls that set or clear a bit, with what it is then; ``set_bit(FLAG, &x->flags)``."""
COPIES = frozenset(["memcpy", "memmove", "__builtin_memcpy"])
NULL_TESTS = {
    "IS_ERR": values.NEGATIVE,
    "IS_ERR_OR_NULL": values.NEGATIVE | values.ZERO,
    "ZERO_OR_NULL_PTR": values.ZERO,
}
"""Calls that ask what a pointer is, with the signs of those for which they are true."""
MOVES = frozenset(["no_free_ptr", "return_ptr", "take_fd"])
"""Macros whose value is a variable's, which then holds nothing."""
_SPACE = re.compile(rb"\s+")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*$")
_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_AGAINST_ZERO = {
    "<": values.NEGATIVE,
    "<=": values.NEGATIVE | values.ZERO,
    ">": values.POSITIVE,
    ">=": values.POSITIVE | values.ZERO,
    "==": values.ZERO,
    "!=": values.NONZERO,
}


class TooDeepError(Exception):
    """An expression or a statement is nested deeper than can be followed."""


class Expressions:
    """Turns expressions into steps of ``graph``.

    Args:
        graph: where the steps go.
        text: the cleaned source that the nodes' offsets refer to.
        block: turns the statements of a statement expression into steps.
    """

    def __init__(self, graph: Graph, text: bytes, block: Callable[[Node], None]) -> None:
        self._graph = graph
        self._text = text
        self._block = block
        self._depth = 0
        self._used: set[str] = set()

    def words(self, node: Node) -> str:
        """Return a node's text without white space."""
        return _SPACE.sub(b"", self._text[node.start_byte : node.end_byte]).decode("latin-1")

    def value(self, node: Node | None, into: str | None = None) -> str | None:
        """Evaluate an expression; return its path or constant, None when it has neither.

        Args:
            node: the expression.
            into: where a call's result goes, when the caller stores it at once.
        """
        if node is None:
            return None
        self._depth += 1
        if self._depth > DEPTH:
            raise TooDeepError
        try:
            plain = _PLAIN_VALUES.get(node.type)
            if plain is not None:
                return plain(self, node)
            handler = _VALUES.get(node.type)
            if handler is not None:
                return handler(self, node, into)
            for child in node.named_children:
                self.value(child)
            return None
        finally:
            self._depth -= 1

    def argument(self, node: Node | None) -> str | None:
        """Evaluate an expression; something derived from a path counts as the path."""
        path = self.value(node)
        return path[1:] if path is not None and path.startswith("~") else path

    def place(self, node: Node | None) -> str | None:
        """Evaluate an expression that names a place; None when it names none."""
        path = self.argument(node)
        return None if path is None or paths.is_constant(path) else path

    def _identifier(self, node: Node) -> str | None:
        name = self._text[node.start_byte : node.end_byte].decode("latin-1")
        if name in ZERO_NAMES:
            return "#0"
        if name == "true":
            return "#1"
        constant = len(name) > 1 and _CONSTANT.match(name)
        return f"#{name}" if constant or FAILURE_NAMES.fullmatch(name) else name

    def _number(self, node: Node) -> str | None:
        return f"#{self.words(node)}"

    def _inner(self, node: Node, into: str | None) -> str | None:
        inner = node.named_children
        if len(inner) == 1:
            if inner[0].type == "compound_statement":
                self._block(inner[0])
                return None
            return self.value(inner[0], into)
        for child in inner:
            self.value(child)
        return None

    def _cast(self, node: Node, into: str | None) -> str | None:
        return self.value(node.child_by_field_name("value"), into)

    def _pointer(self, node: Node) -> str | None:
        operand = self.place(node.child_by_field_name("argument"))
        if operand is None:
            return None
        if node.children[0].type == "&":
            return paths.address(operand)
        self._use(node, operand)
        return paths.dereference(operand)

    def _field(self, node: Node) -> str | None:
        operand = self.place(node.child_by_field_name("argument"))
        field = node.child_by_field_name("field")
        if operand is None or field is None:
            return None
        operator = node.children[1].type
        if operator == "->":
            self._use(node, operand)
        return paths.member(operand, operator, self.words(field))

    def _use(self, node: Node, operand: str) -> None:
        # Once a variable and statement is enough, and only for plain variables.
        if operand.isidentifier() and operand not in self._used:
            self._used.add(operand)
            self._graph.use(node.start_byte, operand)

    def new_statement(self) -> None:
        """Begin a statement: uses are noted anew."""
        self._used.clear()

    def _subscript(self, node: Node) -> str | None:
        operand = self.place(node.child_by_field_name("argument"))
        index = self.value(node.child_by_field_name("index"))
        if operand is None:
            return None
        self._use(node, operand)
        return paths.element(operand, index)

    def _unary(self, node: Node, into: str | None) -> str | None:
        operator = node.children[0].type
        argument = node.child_by_field_name("argument")
        if operator == "!":
            return self._truth(node, into)
        operand = self.argument(argument)
        if operator == "-" and operand is not None and operand.startswith("#"):
            return f"#{operand[2:]}" if operand.startswith("#-") else f"#-{operand[1:]}"
        return operand if operator == "+" else None

    def _update(self, node: Node) -> str | None:
        operand = self.place(node.child_by_field_name("argument"))
        if operand is not None:
            by = 1 if any(child.type == "++" for child in node.children) else -1
            self._graph.assign(node.start_byte, operand, paths.mark_derived(operand), by)
        return operand

    def _binary(self, node: Node, into: str | None) -> str | None:
        operator = node.children[1].type
        if operator in ("&&", "||") or operator in _MIRROR:
            return self._truth(node, into)
        left = self.value(node.child_by_field_name("left"))
        right = self.value(node.child_by_field_name("right"))
        if left is None or paths.is_constant(left):
            return self._constant_flags(operator, left, right)
        if operator == "&" and right is not None and paths.is_flags(right):
            return paths.masked(left.removeprefix("~"), right)
        if operator in ("+", "-", "|", "&"):
            return paths.mark_derived(left)
        return None

    def _constant_flags(self, operator: str, left: str | None, right: str | None) -> str | None:
        """Return ``A | B`` of two constants."""
        if operator != "|" or left is None or right is None:
            return None
        both = paths.is_flags(left) and paths.is_flags(right)
        return paths.union_of_flags(left, right) if both else None

    def _truth(self, node: Node, into: str | None) -> str | None:
        """Evaluate a condition as a value: 1 or 0 by branch."""
        graph = self._graph
        place = into or graph.temporary()
        yes, no = self.condition(node)
        graph.open = yes
        graph.assign(node.start_byte, place, "#1")
        after = graph.open
        graph.open = no
        graph.assign(node.start_byte, place, "#0")
        graph.open = after + graph.open
        return place

    def _conditional(self, node: Node, into: str | None) -> str | None:
        graph = self._graph
        place = into or graph.temporary()
        condition = node.child_by_field_name("condition")
        consequence = node.child_by_field_name("consequence")
        if consequence is None:
            # GNU's a ?: b
            first = self.value(condition)
            graph.assign(node.start_byte, place, first)
            yes, no = graph.branch(node.start_byte, place, values.NONZERO, place, loop=False)
        else:
            yes, no = self.condition(condition) if condition is not None else ([], [])
            graph.open = yes
            self.store(node, place, consequence)
            yes = graph.open
        graph.open = no
        self.store(node, place, node.child_by_field_name("alternative"))
        graph.open = yes + graph.open
        return place

    def _comma(self, node: Node, into: str | None) -> str | None:
        result = None
        for child in node.named_children:
            result = self.value(child, into)
        return result

    def _assignment(self, node: Node) -> str | None:
        left = node.child_by_field_name("left")
        right = node.child_by_field_name("right")
        operator = node.children[1].type
        place = self.place(left)
        if place is not None and paths.is_temporary(place):
            # A macro that stands for a place.
            place = None
        if operator != "=":
            value = self.value(_complemented(right) if operator == "&=" else right)
            if place is not None:
                self._change(
                    node, place, operator, value, cleared=_complemented(right) is not right
                )
            return place
        self.store(node, place, right)
        return place

    def _change(
        self, node: Node, place: str, operator: str, value: str | None, *, cleared: bool
    ) -> None:
        """Follow ``place |= value`` and the like: of some bits it is known what they are then."""
        if value is not None and paths.is_flags(value) and paths.masked_parts(place) is None:
            if operator == "|=":
                self._graph.assign(node.start_byte, paths.masked(place, value), "#1")
                return
            if operator == "&=" and cleared:
                self._graph.assign(node.start_byte, paths.masked(place, value), "#0")
                return
        moved = paths.mark_derived(place) if operator in ("+=", "-=") else None
        self._graph.assign(node.start_byte, place, moved)

    def store(self, node: Node, place: str | None, right: Node | None) -> None:
        """Evaluate ``right`` and put it at ``place``."""
        if right is not None and right.type == "initializer_list":
            self.initialise(place, right)
            return
        target = place or self._graph.temporary()
        result = self.value(right, target)
        if result != target:
            self._graph.assign(node.start_byte, target, result)
        if place is None:
            self._graph.escape(node.start_byte, target)

    def initialise(self, place: str | None, node: Node) -> None:
        """Follow an initializer list: each value goes to its member."""
        if place is not None:
            self._graph.assign(node.start_byte, place, None)
        for item in node.named_children:
            if item.type == "initializer_pair":
                designators = item.children_by_field_name("designator")
                value = item.child_by_field_name("value")
                names = [self.words(one) for one in designators]
                whole = "".join(names)
                plain = place is not None and re.fullmatch(r"(\.\w+)+", whole)
                self.store(item, f"{place}{whole}" if plain else None, value)
            else:
                self.store(item, None, item)

    def _literal(self, node: Node) -> None:
        """Follow a compound literal: what goes into it can't be followed further."""
        value = node.child_by_field_name("value")
        if value is not None:
            self.initialise(None, value)

    def _call(self, node: Node, into: str | None) -> str | None:
        function = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        listed = arguments.named_children if arguments is not None else []
        listed = [one for one in listed if one.type != "comment"]
        if function is None:
            return None
        name = self.words(function) if function.type == "identifier" else ir.UNKNOWN_CALLEE
        if function.type == "field_expression":
            self.value(function.child_by_field_name("argument"))
            field = function.child_by_field_name("field")
            name = f"->{self.words(field)}" if field is not None else name
        if name in NOT_EVALUATED:
            return None
        special = self._special(node, name, listed, into)
        if special is not False:
            return special if isinstance(special, str) else None
        if listed and paths.is_conversion(name):
            path = self.place(listed[0])
            if path is not None and len(listed) == (1 if name.isupper() else len(listed)):
                return paths.conversion(path, name)
        given = tuple(self.argument(one) for one in listed)
        result = into or self._graph.temporary()
        self._graph.call(node.start_byte, result, name, given)
        if name in COPIES and len(given) == 3:
            self._copied(node, *given[:2])
        return result

    def _copied(self, node: Node, target: str | None, source: str | None) -> None:
        """Follow ``memcpy(target, &source, ...)``: what hangs on the one hangs on the other."""
        if target is not None and source is not None and source.startswith("&"):
            self._graph.assign(node.start_byte, paths.dereference(target), source[1:])

    def _special(
        self, node: Node, name: str, listed: list[Node], into: str | None
    ) -> str | bool | None:
        """Follow a macro that is no call; False when it is one."""
        graph = self._graph
        if name in STORES and len(listed) == 2:
            self.store(node, self._stored_at(name, listed[0]), listed[1])
            return None
        if name in TRANSPARENT and listed:
            return self.value(listed[-1] if name == "XFS_IS_CORRUPT" else listed[0], into)
        if name in MOVES and len(listed) == 1:
            return self._moved(node, listed[0], into)
        if name == "retain_and_null_ptr" and len(listed) == 1:
            moved = self._moved(node, listed[0], None)
            if moved is not None:
                graph.escape(node.start_byte, moved)
            return None
        if (name in BIT_TESTS or name in BIT_CHANGES) and len(listed) == 2:
            bit = self._bit(listed)
            if bit is not None and name in BIT_TESTS:
                return bit
            if bit is not None:
                graph.assign(node.start_byte, bit, BIT_CHANGES[name])
                return None
            return False
        if name in SIGN_COPIES and listed:
            number = self.argument(listed[0])
            if name == "ERR_PTR" and number is not None and paths.is_constant(number):
                return number
            place = into or graph.temporary()
            graph.copy_sign(node.start_byte, place, number, name)
            return place
        if name == "PTR_ERR_OR_ZERO" and listed:
            return self._error_or_zero(node, listed[0], into)
        if name in ENDINGS and listed:
            yes, no = self.condition(listed[-1] if name == "f2fs_bug_on" else listed[0])
            graph.open = yes
            graph.stop(node.start_byte)
            graph.open = no
            return None
        if name in ASSERTIONS and listed:
            yes, no = self.condition(listed[-1])
            graph.open = no
            graph.stop(node.start_byte)
            graph.open = yes
            return None
        if name in NULL_TESTS:
            return self._truth(node, into)
        if name == "swap" and len(listed) == 2:
            for one in listed:
                path = self.place(one)
                if path is not None:
                    graph.escape(node.start_byte, path)
            return None
        return False

    def _moved(self, node: Node, variable: Node, into: str | None) -> str | None:
        """Take a pointer out of a variable, which holds NULL then."""
        path = self.place(variable)
        if path is None:
            return None
        place = into if into is not None and into != path else self._graph.temporary()
        self._graph.assign(node.start_byte, place, path)
        self._graph.assign(node.start_byte, path, "#0")
        return place

    def _bit(self, listed: list[Node]) -> str | None:
        """Return the path of ``test_bit(FLAG, &x->flags)``; None when it has none."""
        flag = self.value(listed[0])
        word = self.value(listed[1])
        if flag is None or not paths.is_flags(flag) or word is None or paths.is_constant(word):
            return None
        # A bit's number is no mask: it is told apart from one by its name.
        return paths.masked(paths.dereference(word.removeprefix("~")), f"#bit_{flag[1:]}")

    def _stored_at(self, name: str, node: Node) -> str | None:
        place = self.place(node)
        if place is None:
            return None
        return paths.dereference(place) if name == "smp_store_release" else place

    def _error_or_zero(self, node: Node, argument: Node, into: str | None) -> str | None:
        graph = self._graph
        path = self.place(argument)
        place = into or graph.temporary()
        tested = path if path is not None else graph.temporary()
        yes, no = graph.branch(node.start_byte, tested, values.NEGATIVE, tested, loop=False)
        graph.open = yes
        graph.copy_sign(node.start_byte, place, tested, "PTR_ERR")
        after = graph.open
        graph.open = no
        graph.assign(node.start_byte, place, "#0")
        graph.open = after + graph.open
        return place

    def condition(self, node: Node | None, *, loop: bool = False) -> tuple[list[Edge], list[Edge]]:
        """Evaluate a condition; return the edges on which it holds, and on which not."""
        graph = self._graph
        while node is not None and node.type in ("parenthesized_expression", "cast_expression"):
            inner = node.named_children
            if not inner or inner[-1].type in ("compound_statement", "comma_expression"):
                break
            node = inner[-1]
        if node is None:
            return graph.open, []
        self._depth += 1
        if self._depth > DEPTH:
            raise TooDeepError
        try:
            return self._condition(node, loop=loop)
        finally:
            self._depth -= 1

    def _condition(self, node: Node, *, loop: bool) -> tuple[list[Edge], list[Edge]]:
        graph = self._graph
        if node.type == "unary_expression" and node.children[0].type == "!":
            yes, no = self.condition(node.child_by_field_name("argument"), loop=loop)
            return no, yes
        if node.type == "binary_expression":
            operator = node.children[1].type
            left = node.child_by_field_name("left")
            right = node.child_by_field_name("right")
            if operator in ("&&", "||") and left is not None and right is not None:
                yes, no = self.condition(left, loop=loop)
                graph.open = yes if operator == "&&" else no
                more_yes, more_no = self.condition(right, loop=loop)
                if operator == "&&":
                    return more_yes, no + more_no
                return yes + more_yes, more_no
            if operator in _MIRROR and left is not None and right is not None:
                return self._comparison(node, operator, left, right, loop=loop)
        if node.type == "call_expression":
            return self._tested_call(node, loop=loop)
        path = self.argument(node)
        if path is not None and paths.is_constant(path):
            known = values.signs(path)
            if known in (values.ZERO, values.POSITIVE, values.NEGATIVE):
                return ([], graph.open) if known == values.ZERO else (graph.open, [])
        key = path if path is not None else self.words(node)
        return graph.branch(node.start_byte, path or key, values.NONZERO, key, loop=loop)

    def _tested_call(self, node: Node, *, loop: bool) -> tuple[list[Edge], list[Edge]]:
        function = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        name = self.words(function) if function is not None else ""
        listed = arguments.named_children if arguments is not None else []
        if name in NULL_TESTS and listed:
            path = self.place(listed[0]) or self._graph.temporary()
            return self._graph.branch(node.start_byte, path, NULL_TESTS[name], path, loop=loop)
        if name in ASKS and listed:
            return self.condition(listed[0], loop=loop)
        if name == "XFS_IS_CORRUPT" and listed:
            return self.condition(listed[-1], loop=loop)
        path = self.place(node) or self._graph.temporary()
        # The same call with the same arguments is taken to answer the same.
        key = self.words(node) if path.startswith("%") else path
        return self._graph.branch(node.start_byte, path, values.NONZERO, key, loop=loop)

    def _comparison(
        self, node: Node, operator: str, left: Node, right: Node, *, loop: bool
    ) -> tuple[list[Edge], list[Edge]]:
        graph = self._graph
        one, other = self.argument(left), self.argument(right)
        if one is not None and paths.is_constant(one):
            one, other, operator = other, one, _MIRROR[operator]
        if one is not None and other is not None and paths.is_constant(other):
            masked = paths.masked_parts(one)
            alone = masked is not None and len(masked.flags) == 1
            if masked is not None and alone and masked.flags == paths.flags_of(other):
                # Of a single bit only 0 and itself can come out.
                test: int | str | None = values.NONZERO if operator in ("==", "!=") else None
            else:
                test = _test(operator, other)
            if test is not None:
                path = one
                if operator == "!=" and (
                    isinstance(test, str) or (alone and test == values.NONZERO)
                ):
                    yes, no = graph.branch(node.start_byte, path, test, path, loop=loop)
                    return no, yes
                return graph.branch(node.start_byte, path, test, path, loop=loop)
        words = [self.words(left), self.words(right)]
        if operator in ("==", "!="):
            words.sort()
        key = f"{words[0]}{'==' if operator == '!=' else operator}{words[1]}"
        yes, no = graph.branch(node.start_byte, key, values.NONZERO, key, loop=loop)
        return (no, yes) if operator == "!=" else (yes, no)


def _complemented(node: Node | None) -> Node | None:
    """Return the operand of ``~``, parentheses aside; any other expression as it is."""
    inner = node
    while inner is not None and inner.type == "parenthesized_expression":
        inner = inner.named_children[0] if len(inner.named_children) == 1 else None
    if inner is not None and inner.type == "unary_expression" and inner.children[0].type == "~":
        return inner.child_by_field_name("argument")
    return node


def _test(operator: str, constant: str) -> int | str | None:
    """Return what a comparison with a constant tells; None when it tells too little."""
    known = values.signs(constant)
    if known == values.ZERO:
        return _AGAINST_ZERO[operator]
    if operator in ("==", "!="):
        return constant
    if constant == "#1" and operator in ("<", ">="):
        return _AGAINST_ZERO["<=" if operator == "<" else ">"]
    if constant == "#-1" and operator in ("<=", ">"):
        return _AGAINST_ZERO["<" if operator == "<=" else ">="]
    return None


_PLAIN_VALUES: dict[str, Callable[[Expressions, Node], str | None]] = {
    "identifier": Expressions._identifier,
    "null": Expressions._identifier,
    "true": Expressions._identifier,
    "false": Expressions._identifier,
    "number_literal": Expressions._number,
    "char_literal": lambda _self, _node: '#""',
    "string_literal": lambda _self, _node: '#""',
    "concatenated_string": lambda _self, _node: '#""',
    "pointer_expression": Expressions._pointer,
    "field_expression": Expressions._field,
    "subscript_expression": Expressions._subscript,
    "update_expression": Expressions._update,
    "assignment_expression": Expressions._assignment,
    "sizeof_expression": lambda _self, _node: None,
    "offsetof_expression": lambda _self, _node: None,
    "alignof_expression": lambda _self, _node: None,
    "compound_literal_expression": Expressions._literal,
}
_VALUES: dict[str, Callable[[Expressions, Node, str | None], str | None]] = {
    "parenthesized_expression": Expressions._inner,
    "cast_expression": Expressions._cast,
    "unary_expression": Expressions._unary,
    "binary_expression": Expressions._binary,
    "conditional_expression": Expressions._conditional,
    "comma_expression": Expressions._comma,
    "call_expression": Expressions._call,
}
"""Those of which a call may be a part, whose result goes where the caller wants it."""
