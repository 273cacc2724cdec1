"""The kernel's vocabulary: annotations, types, and pieces of patterns made from them."""

from __future__ import annotations

import re
from typing import Final

from anyclue.review.source.lexer import blank


def _nested(depth: int) -> bytes:
    pattern = rb"\([^()]*+\)"
    for _ in range(depth):
        pattern = rb"\((?:[^()]++|" + pattern + rb")*+\)"
    return pattern


BALANCED: Final = _nested(7)
"""Parentheses, with what is in them; deeper ones than the kernel has are not matched."""

_CALLED: Final = (
    "__printf __scanf __aligned __section __acquires __releases __must_hold __must_hold_shared "
    "__cond_acquires __cond_releases __acquires_shared __releases_shared __attribute__ "
    "__attribute __alloc_size __realloc_size __assume_aligned __cleanup __free __counted_by "
    "__counted_by_le __counted_by_be __sized_by __copy __error __compiletime_error "
    "__compiletime_warning __warning __no_sanitize __nonnull __format_arg __alias __guarded_by "
    "__pt_guarded_by __must_not_hold __acquires_ret __releases_ret __context_lock_struct "
    "__diagnose_as __element_count __malloc __declspec __nonstring __diag_ignore_all "
    "__diag_ignore"
)
_PLAIN: Final = (
    "__init __exit __initdata __exitdata __initconst __exitconst __init_or_module "
    "__initdata_or_module __initconst_or_module __init_memblock __initdata_memblock __init_rodata "
    "__initrodata __devinit __devexit __devinitdata __cpuinit __cpuinitdata __user __kernel "
    "__iomem __rcu __percpu __force __bitwise __bitwise__ __safe __private __nocast __must_check "
    "__maybe_unused __always_unused __unused __used __visible __cold __hot __pure "
    "__attribute_const__ __malloc __noreturn __weak __packed __deprecated __noclone "
    "__no_kasan_or_inline __no_sanitize_address __no_sanitize_memory __no_sanitize_thread "
    "__no_sanitize_undefined __no_sanitize_coverage __no_kcsan __no_kmsan_checks "
    "__no_sanitize_or_inline __noscs __latent_entropy __randomize_layout __no_randomize_layout "
    "__designated_init __flatten __naked __ref __refdata __refconst __meminit __meminitdata "
    "__meminitconst __memexit __memexitdata __sched __lockfunc __irq_entry __softirq_entry "
    "__kprobes __read_mostly __ro_after_init ____cacheline_aligned ____cacheline_aligned_in_smp "
    "____cacheline_internodealigned_in_smp __cacheline_aligned __cacheline_aligned_in_smp "
    "__cpuidle __noinstr_section __entry_text __net_init __net_exit __net_initdata "
    "__page_aligned_bss __page_aligned_data __bpf_kfunc __nosavedata __noendbr __nocfi "
    "__gnu_inline __no_caller_saved_registers __no_profile __no_stack_protector __head __hyp_text "
    "__always_inline __inline_maybe_unused __extension__ __restrict __restrict__ __noinline "
    "__noinline__ __nonstring __mustcheck __independent __outvar __notrace_funcgraph "
    "__no_instrument_function __no_fgcse __cdecl __stdcall __fastcall __purgatory_ro "
    "__intel_syscall_abi __efi_retpoline __efi __efistub_global "
    "__no_context_analysis __rust_helper __compat_packed"
)
# Without an underscore in front, so they need a pattern of their own.
_WORDS: Final = (
    "asmlinkage noinline notrace noinstr noinline_for_stack noinline_for_tracing nokprobe_inline "
    "fastcall randomized_struct_fields_start randomized_struct_fields_end static_noinline "
    "FORCE_INLINE FORCE_INLINE_ATTR MEM_STATIC HINT_INLINE FORCE_NOINLINE UNUSED_ATTR "
    "cacheline_aligned inline_for_stack PACKED"
)


def _any(words: str) -> bytes:
    """Return a pattern for one of the words, longer ones first."""
    ordered = sorted(words.split(), key=lambda word: -len(word))
    return "|".join(ordered).encode()


ANNOTATION: Final = re.compile(
    rb"__(?:(?P<called>"
    + _any(" ".join(word.removeprefix("__") for word in _CALLED.split()))
    + rb")\b\s*+(?P<arguments>"
    + BALANCED
    + rb")|(?:"
    + _any(" ".join(word.removeprefix("__") for word in _PLAIN.split()))
    + rb")\b)"
)
"""What the compiler is told about a thing, and nobody here needs to know."""

WORD: Final = re.compile(rb"\b(?:" + _any(_WORDS) + rb"|STATIC)\b")

KEYWORD_TYPES: Final = (
    "unsigned signed long short int char void float double bool _Bool size_t ssize_t ptrdiff_t "
    "intptr_t uintptr_t charptr_t nullptr_t max_align_t int8_t int16_t int32_t int64_t uint8_t "
    "uint16_t uint32_t uint64_t char8_t char16_t char32_t char64_t __signed__"
)
_QUALIFIERS: Final = rb"(?:(?:const|volatile|restrict)\s++)*+"
_STARS: Final = rb"(?:\s*+(?:\*|\bconst\b|\bvolatile\b))"
TYPE: Final = (
    _QUALIFIERS
    + rb"(?:(?:struct|union|enum)\s++\w++"
    + _STARS
    + rb"*+|(?:"
    + _any(KEYWORD_TYPES)
    + rb")\b(?:\s++(?:"
    + _any(KEYWORD_TYPES + " const volatile")
    + rb")\b)*+"
    + _STARS
    + rb"*+|[A-Za-z_]\w*+"
    + _STARS
    + rb"++)(?:\s*+\[\w*+\])?"
)
"""A type as a macro's argument; a plain name is one only with a star or qualifier."""

MODIFIERS: Final = frozenset(
    b"static extern inline __inline __inline__ __forceinline const volatile register "
    b"auto typedef restrict _Noreturn noreturn".split()
)
TYPE_WORDS: Final = frozenset(KEYWORD_TYPES.encode().split())
KEYWORDS: Final = rb"(?:if|for|while|switch|return|sizeof|do|else|case|goto|typeof|default)\b"

ZERO_NAMES: Final = frozenset(
    ("NULL", "false", "nfs_ok", "NFS_OK", "NFS4_OK", "rpc_success", "nlm_granted")
)
"""Names that stand for 0; of ``nfs_ok`` and its kind, what is sent over the wire."""

FAILURE_NAMES: Final = re.compile(r"nfserr_\w+")
"""Names in small letters that are constants, and not 0."""

SCOPED_MACRO: Final = re.compile(
    r"_{0,2}scoped_(?:guard|cond_guard|class|with_\w+|user_\w+)|with_\w+"
)
"""Macros that run what follows them once; the ``for`` that they hide is seen by ``break`` alone."""

_PLAIN_NAME: Final = re.compile(rb"\b[a-z_]\w*+(?=\s*+[,)])")


def as_declaration(macro: bytes, call: bytes) -> bytes:
    """Make a call that is initialised, as ``DEFINE_X(type, name) = ...``, a declaration."""
    names = list(_PLAIN_NAME.finditer(call, len(macro)))
    if not names or names[-1].start() < len("int "):
        return call
    name = names[-1]
    return (
        b"int".ljust(name.start()) + name[0] + blank(call[name.end() :])
        if b"\n" not in call[: name.start()]
        else call
    )
