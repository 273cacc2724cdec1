"""What C files define, and what of it is defined twice; the compiler agrees."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from anyclue.review.merge.core.definitions import DefinitionKind, definitions, repetitions

KINDS = DefinitionKind


def defined(text: str) -> list[tuple[DefinitionKind, str]]:
    return [(one.kind, one.name) for one in definitions(text.encode())]


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("static int f(int a)\n{\n\treturn a;\n}\n", KINDS.FUNCTION, ["f"]),
        ("int *\nf(void)\n{\n}\n", KINDS.FUNCTION, ["f"]),
        ("static int f(int a)\n\t__acquires(x)\n{\n}\n", KINDS.FUNCTION, ["f"]),
        ("__printf(1, 2) void f(const char *s, ...)\n{\n}\n", KINDS.FUNCTION, ["f"]),
        ("__attribute__((cold)) void f(void)\n{\n}\n", KINDS.FUNCTION, ["f"]),
        ("int (*f(int a))(int b)\n{\n}\n", KINDS.FUNCTION, ["f"]),
        ("SYSCALL_DEFINE2(f, int, a, int, b)\n{\n}\n", KINDS.INVOCATION, ["SYSCALL_DEFINE2(f)"]),
        ("static int a = 1, *b = &a, c[2] = {1};\n", KINDS.VARIABLE, ["a", "b", "c"]),
        ("static const struct ops o = { .f = { 1 } };\n", KINDS.VARIABLE, ["o"]),
        ("static struct x o __read_mostly = {};\n", KINDS.VARIABLE, ["o"]),
        ("int __o;\n", KINDS.VARIABLE, ["__o"]),
        ("static int (*const t[])(void) = { 0 };\n", KINDS.VARIABLE, ["t"]),
        ("struct { int m; } o;\n", KINDS.VARIABLE, ["o"]),
        ("typedef unsigned int my_t, *my_p;\n", KINDS.TYPEDEF, ["my_t", "my_p"]),
        ("typedef struct { int m; } my_t;\n", KINDS.TYPEDEF, ["my_t"]),
        ("typedef int (*fn)(int);\n", KINDS.TYPEDEF, ["fn"]),
        ("typedef void (fn)(int);\n", KINDS.TYPEDEF, ["fn"]),
        ("typedef __u16 __bitwise __le16;\n", KINDS.TYPEDEF, ["__le16"]),
        ("struct s {\n\tint m;\n} __packed;\n", KINDS.TAG, ["struct s"]),
        ("struct s {\n\tint m, n[2];\n\tu8 f:1;\n};\n", KINDS.MEMBER, [
            "struct s.m", "struct s.n", "struct s.f",
        ]),
        ("struct s {\n\tint (*cb)(int a);\n};\n", KINDS.MEMBER, ["struct s.cb"]),
        ("enum e { A, B = 2,\n#ifdef X\n\tC,\n#endif\n\tD };\n", KINDS.ENUM_CONSTANT, [*"ABCD"]),
        ("enum { E(a), E(b) };\n", KINDS.ENUM_CONSTANT, ["E(a)", "E(b)"]),
        ("#define M(x) x\n#  define N \\\n\t1\n", KINDS.MACRO, ["M", "N"]),
        ("static DEFINE_MUTEX(lock);\n", KINDS.INVOCATION, ["DEFINE_MUTEX(lock)"]),
        ("EXPORT_SYMBOL_GPL(f);\n", KINDS.INVOCATION, ["EXPORT_SYMBOL_GPL(f)"]),
        ('extern "C" {\nint f(void)\n{\n}\n}\n', KINDS.FUNCTION, ["f"]),
        ("void f(void)\n{\n#ifdef A\n\tif (a) {\n#else\n\tif (b) {\n#endif\n\t}\n}\n"
         "int g(void)\n{\n}\n", KINDS.FUNCTION, ["f", "g"]),
    ],
)  # fmt: skip
def test_what_is_defined(text: str, kind: DefinitionKind, names: list[str]) -> None:
    assert [name for found, name in defined(text) if found is kind] == names


@pytest.mark.parametrize(
    "text",
    [
        "int f(int a);\n",
        "extern int o;\n",
        "struct s;\nenum e;\n",
        "int (f)(int a);\n",
        "/* int f(void) { } */\n",
        "#if 0\nint f(void)\n{\n}\n#endif\n",
        "#ifndef M\n#define M 1\n#endif\n",
        "}\n}\n;;\n",
    ],
)
def test_what_defines_nothing(text: str) -> None:
    assert defined(text) == []


TWICE = {
    "function": "static int f(void)\n{\n\treturn 0;\n}\n",
    "variable": "static int o = 1;\n",
    "struct": "struct s {\n\tint m;\n};\n",
    "constant": "enum { A, B };\n",
    "macro": "#define M 1\n",
    "type": "typedef int t;\n",
}
NOT_TWICE = {
    "prototype": ("int f(void);\n", "int f(void);\n"),
    "declared, then defined": ("static const int o;\n", "static const int o = 1;\n"),
    "extern": ("extern int o;\n", "int o;\n"),
    "arms": ("#ifdef X\nint f(void);\n#else\n", "static int f(void) { return 0; }\n#endif\n"),
    "other conditions": ("#ifdef X\n#define M 1\n#endif\n", "#ifndef X\n#define M 2\n#endif\n"),
    "undef": ("#define M 1\n", "#undef M\n#define M 2\n"),
    "guarded": ("#define M 1\n", "#ifndef M\n#define M 2\n#endif\n"),
    "tag and variable": ("struct s { int m; };\n", "static int s = 1;\n"),
    "local": ("int f(void)\n{\n\tint a = 1;\n\n\treturn a;\n}\n", "static int a = 2;\n"),
    "members of two": ("struct s { int m; };\n", "struct t { int m; };\n"),
}


def compiles(text: str) -> bool:
    command = ["gcc", "-Werror", "-std=gnu89", "-Wno-unused", "-fsyntax-only", "-xc", "-"]
    done = subprocess.run(command, check=False, input=text, text=True, capture_output=True)
    return done.returncode == 0


@pytest.mark.parametrize("text", TWICE.values(), ids=TWICE)
def test_defined_twice(text: str) -> None:
    (found, *_) = repetitions(f"{text}int x;\n{text}".encode()).values()
    assert [one.line for one in found.definitions] == [1, text.count("\n") + 2]


@pytest.mark.parametrize("parts", NOT_TWICE.values(), ids=NOT_TWICE)
def test_not_defined_twice(parts: tuple[str, str]) -> None:
    text = "int x;\n".join(parts)
    assert repetitions(text.encode()) == {}
    if shutil.which("gcc"):
        assert compiles(text)


@pytest.mark.parametrize("kind", ["function", "variable", "struct", "constant"])
def test_the_compiler_refuses_it(kind: str) -> None:
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    assert compiles(TWICE[kind])
    assert not compiles(TWICE[kind] * 2)


def test_one_name_space_for_functions_and_variables() -> None:
    text = "static int f(void)\n{\n\treturn 0;\n}\n\nenum { f };\n"
    assert [one.name for one in repetitions(text.encode()).values()] == ["f"]


def test_a_condition_around_one_of_both() -> None:
    text = "#define M 1\n#ifdef CONFIG_X\n#define M 2\n#endif\n"
    assert list(repetitions(text.encode())) == [("macro", "M")]
