"""What the kernel's macros look like: each must come out without errors."""

from __future__ import annotations

import pytest

from anyclue.review.source.parse import read

STATEMENTS = {
    "types as arguments": """
        a = container_of(p, struct foo, member);
        b = list_first_entry_or_null(&p->list, struct foo, node.link[0]);
        c = min_t(unsigned long long, a, b) + max_t(size_t, a, b) + clamp_t(int, a, 1, 2);
        d = va_arg(ap, const char *) + va_arg(ap, foo_t *) + va_arg(ap, struct foo **);
        e = offsetof(struct foo, a.b) + offsetof(struct foo, c[3]) + sizeof_field(struct foo, d);
        f = KMEM_CACHE(foo, SLAB_ACCOUNT) + kzalloc(sizeof(struct foo), GFP_KERNEL);
        g = rcu_dereference_protected(p, lockdep_is_held(&p->lock));
        h = __builtin_types_compatible_p(typeof(a), struct foo *);
        i = offsetof
            (struct foo, bar);
        j = _IOW('x', 1, struct foo) + INIT(void, a) + FOO(enum kind);
        k = (struct foo *)a + sizeof(struct foo *) + sizeof(int[4]);
    """,
    "typeof": """
        typeof(*p) *q = p;
        __typeof__(p->next) next = p->next;
        typeof_member(struct ops, open) open = p->open;
        RADIX(struct foo) map;
        a = (typeof(a))b;
    """,
    "alignof": "a = __alignof__(*p) + __alignof__(struct foo) + _Alignof(int);",
    "operators as arguments": """
        ASSERTCMP(a, ==, b);
        check(a, <, b);
        check(a, <=, b);
        COMBINE(a, b, |);
        TEST(, add, +=, one);
    """,
    "jumps as arguments": """
        TRY(a, return -EIO);
        TRY(a, return);
        TRY(a, goto out);
        TRY(a, continue, break);
        COND(a, return in(a), return out(a));
    out:
        a = 0;
    """,
    "statements as arguments": """
        ASSERT_OR(a == b, dump(a););
        DEBUG(if (a) {
                warn("x");
        });
        DEBUG(if (a)
                warn("x"));
        DEBUG(struct foo *this);
        IF_DEBUG(char buffer[16]);
        wait_cmd(q, a, unlock(p); b++, lock(p));
        LOOP(
                a++;
                if (a > b)
                        return 0;
        ,
                return 1;
        );
        DEBUG(list_for_each_entry(p, head, link) {
                warn("x");
        });
    """,
    "loops": """
        list_for_each_entry(p, head, link) {
                a++;
        }
        list_for_each_entry_safe(p, q, head, link)
                a++;
        for_each_cpu(i, mask)
                for_each_node(n)
                        a += n;
        for_each_cpu(i, mask) if (a) break;
        rbtree_postorder_for_each_entry_safe(p, q, &root, node)
                (void)use(p);
        xa_for_each(xa, index, p)
                *p = 0;
        if (a)
                hlist_for_each_entry(p, head, node)
                        a++;
        else
                FOREACH_ENTRY(p, list) {
                        a++;
                }
        do_each_thread(g, p) {
                a++;
        } while_each_thread(g, p);
        do {
                a++;
        } while_each_thread(g, p);
        do {
                a++;
        } for_each_vma(vmi, vma);
        with_ovl_creds(sb)
                a++;
        scoped_class(copy_up_creds, creds, dentry) {
                a++;
        }
        do_for_each_rec(page, rec) {
                a++;
        } while_for_each_rec();
        scoped_with_creds() {
                a++;
        }
        scoped_cond_guard(mutex_try, ;, &p->lock) {
                a++;
        }
        for (int i = 0; i < 3; i++)
                a++;
        ifdebug(FOO) {
                a++;
        }
    """,
    "macros without a semicolon": """
        INC_LINKS(dir)
        a = 1;
        TRACE("x", a)

        DEBUGLOG(6, "x")
        {
                a = 2;
        }
        b = 1;
        if (a)
                TRACE("y", a)
        else
                b = 2;
        OPTION("uid", uid)
        else OPTION("gid", gid)
        else
                b = 3;
        PREAMBLE
        c = 1;
        POSTAMBLE
    """,
    "macros that declare": """
        static DEFINE_RATELIMIT_STATE(rs, 5 * HZ, 10);
        static DECLARE_WORK(work, fn);
        DECLARE_BITMAP(map, 64) = { 0 };
        DECLARE_WAITQUEUE(wait, current);
        struct foo __maybe_unused *p __aligned(8) = NULL;
        char __user *u = (char __user __force *)q;
        int x __attribute__((unused, aligned(8)));
        struct foo AUTO_KFREE(*list);
        struct foo AUTO_KVFREE(q);
        FOO_PATH_AUTO_FREE(path);
        FOO_PATH_AUTO_RELEASE(place);
        FOO_AUTO_DETECT(a);
    """,
    "strings": r"""
        printk(KERN_ERR "x" PRIu64 "y\n", a);
        printk(KERN_INFO NAME " with " OPTIONS " z\n");
        scan(b, "%" __stringify(LENGTH) "s", c);
        print(__stringify(NAME) "\n");
        print(PREFIX SUFFIX, a);
        c = "/* no comment */ \" for_each(x) {" "}" L"wide";
        c = '"' + '\'' + '{' + '\\' + L'x';
        c = "a \
b";
    """,
    "comments": """
        a = 1; // don't { /* ( "
        /* it's "a { ( // */ b = 2;
        /**/ c = 3; /* for_each(x)
        { */
    """,
    "assembler": """
        asm volatile("nop" : "=r" (a) : [b] "i" (1) : "memory");
        asm volatile(ALTERNATIVE("x", "y", FEATURE) ::: "cc");
        asm_volatile_goto("1:" : : : : out);
        __asm__ __volatile__("" ::: "memory");
        if (a)
                asm("nop");
    out:
        a = 0;
    """,
    "cases": """
        switch (a) {
        case 1 ... 5:
                break;
        case 'a' ... 'z':
                return 1;
        case A ... B: case C:
        default:
                ;
        }
    """,
    "gnu": """
        auto auto_p = p;
        auto *q = p;
        __label__ out;
        int b = ({ int c = a; c + 1; });
        int d = _Generic(a, int: 1, char *: 2);
        struct foo e = { .a = 1, .b = { [0 ... 3] = 2 }, [4] = 3, .c.d = 1 };
        void *p = &&out;
        a = b ?: c;
        p = (struct foo){ .a = 1 };
        goto *p;
    out:
        a = 0;
    """,
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_statements(name: str) -> None:
    body = STATEMENTS[name].strip("\n")
    text = f"int e(void);\n\nint f(struct foo *p)\n{{\n{body}\n}}\n\nint g(void)\n{{\n}}\n"
    for source in (read(text.encode()), read(text.replace("\n", "\r\n").encode())):
        assert [f.name for f in source.functions] == ["f", "g"]
        assert [f.name for f in source.functions if f.broken] == []
        assert source.functions[0].first_line == 3
        assert source.functions[1].first_line == text[: text.index("int g")].count("\n") + 1
        assert source.unread == ()


OUTSIDE = {
    "annotations": (
        """
static int __init __must_check a(char __user *p, int n __maybe_unused)
{
}
static __always_inline struct foo * __must_hold(&l) b(void) __acquires(x)
\t__releases(&y->lock)
{
}
asmlinkage __visible void __sched notrace c(struct foo __rcu *p) { }
__printf(1, 2) __cold
static noinline_for_stack void d(const char *f, ...)
{
}
STATIC int
e(
\tstruct foo\t*p)\t\t/* in */
{
}
static unknown_annotation int f(void)
{
}
static SOME_INLINE some_type_t g(void)
{
}
static __init h(void)
{
}
static void __attribute__((noreturn, format(printf, 1, 2))) i(void)
{
}
""",
        "a b c d e f g h i",
    ),
    "shapes": (
        """
int a(void) { return 1; }
int b(void) {
\treturn 1;
}
int c(void)
{ return 1; }
void (*d(int a))(int b)
{
}
int f(a, b)
\tint a;
\tchar *b;
{
\tfor_each_x(a, b)
\t\tg(a);
}
static int NAME(walk)(int a)
{
}
int last(void)
{
\tif (a) {
\t\tb();
}
\tfor_each_x(a, b)
\t\tg(a);
}
int indented(void)
{
\treturn 1;
\t}
int after(void)
{
\treturn 1;
}
""",
        "a b c d f walk last indented after",
    ),
    "macros": (
        """
EXPORT_SYMBOL_GPL(x)
module_init(y)
DEFINE_MUTEX(m);
static DEFINE_PER_CPU(struct foo, pcp) = { .a = 1 };
DEFINE_CLASS_OF(stop) = {
\t.a = a,
};
DEFINE_PER_CPU(struct foo, bar) =
{
\t.a = a,
};
DEFINE_FREE(foo, struct foo *, if (_T) foo_put(_T))
DEFINE_FREE(bar, struct bar *, if (_T) bar_put(_T));
DEFINE_CLASS(baz, struct baz *, if (_T) { put(_T); }, get(a), int a)
static_assert(sizeof(struct foo) == 4, "x");
TRACE_EVENT(foo_bar,
\tTP_PROTO(struct foo *a, int b),
\tTP_fast_assign(
\t\t__entry->b = b;
\t\tif (a) {
\t\t\tc();
\t\t}
\t),
\tTP_printk("b %d", __entry->b)
);
static const struct ops ops = {
\t.open = a,
\t.size = offsetof(struct foo, a.b),
};
struct foo {
\tint (*open)(struct foo *, int);
\tDECLARE_BITMAP(map, 64);
\tint b __counted_by(a);
} __packed __aligned(8);
SET_START(x)
ID_UNUSED
THE_ID(func, x)
int a(void)
{
}
EXPORT_SYMBOL(a);
""",
        "a",
    ),
    "definitions": (
        """
SYSCALL_DEFINE3(a, unsigned int, fd, char __user *, buf, size_t, n)
{
}
SYSCALL_DEFINE0(b)
{
}
COMPAT_SYSCALL_DEFINE2(c, int, x,
\t\t       const struct foo __user *, y)
{
}
BPF_CALL_2(d, struct map *, map, u64, flags)
{
}
BPF_CALL_0(e)
{
}
DEFINE_THING(f, 3)
{
}
static DEFINE_THING(g)
{
}
SYSCALL32_DEFINE3(h, int, a, SPLIT(b), int, c)
{
}
""",
        "a b c d e f g h",
    ),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside(name: str) -> None:
    text, names = OUTSIDE[name]
    source = read(text.encode())
    assert [f.name for f in source.functions] == names.split()
    assert [f.name for f in source.functions if f.broken] == []
    assert source.unread == ()


def test_parameters_of_a_system_call() -> None:
    source = read(b"SYSCALL_DEFINE2(foo, unsigned int, fd, char __user *, buf)\n{\n}\n")
    [function] = source.functions
    declarator = function.node.child_by_field_name("declarator")
    assert declarator is not None
    parameters = declarator.child_by_field_name("parameters")
    assert parameters is not None
    assert [node.type for node in parameters.named_children] == ["parameter_declaration"] * 2
    assert source.macros == {0: "SYSCALL_DEFINE2"}


def test_static() -> None:
    text = b"static int a(void)\n{\n}\nSTATIC int\nb(void)\n{\n}\nint c(void)\n{\n}\n"
    assert [f.static for f in read(text).functions] == [True, True, False]
