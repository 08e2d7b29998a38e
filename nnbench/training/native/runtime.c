/* What does not depend on the network: products of matrices, and the loops over networks and steps. */

#include <string.h>

#define ALWAYS static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL /* clang unrolls what must be by itself, and worse when told to */
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
#define MOST_DEPTH 256 /* of a panel that is copied, so that it stays in the nearest cache */
#ifdef __AVX512F__
#define VECTOR_BYTES 64
#define MOST_ROWS 8
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define MOST_ROWS 6
#else
#define VECTOR_BYTES 16
#define MOST_ROWS 6
#endif

#define REAL float
#include "products.h"
#undef REAL
#define REAL double
#include "products.h"
#undef REAL

struct products {
    void (*product_float)(const float *, long, long, const float *, long, long, float *, long, long, long,
                          long);
    void (*product_double)(const double *, long, long, const double *, long, long, double *, long, long,
                           long, long);
};
const struct products products_table = {product_float, product_double};

/* A tensor that a program is given: where it begins, and how many bytes further it lies for the next
network, the next repeat of the data and the next step. `row` is the size of a row that is gathered by the
step's order, 0 of what lies as it is wanted. */
struct slot {
    char *base;
    long network, repeat, step, row;
};

struct program {
    void (*run)(void **, char *, long, const struct products *);
    long count;        /* of its pointers */
    const long *slots; /* which slot each of them is */
};

struct drive {
    long networks;      /* how many, */
    const long *chosen; /* which of them, */
    const long *repeat; /* and which repeat of the data each network has */
    long steps, batch, rows;
    const long *order; /* (repeats, order_stride): the rows of each repeat in order; may be null */
    long order_stride;
    long slots;
    const struct slot *slot;
    struct program step, update; /* `update.run` may be null */
    long size;                   /* the number of parameters, which is update's n */
    long watched[2];             /* slots of numbers that stop a network unless finite; -1: none */
    long is_double;              /* their type */
    char *scratch, *gathered;
};

#define MOST_SLOTS 4096

static int is_finite(const void *number, long is_double) {
    const double value = is_double ? *(const double *)number : *(const float *)number;
    return value - value == 0;
}

static int goes_on(const struct drive *d, char **now) {
    for (int i = 0; i < 2; i++)
        if (d->watched[i] >= 0 && !is_finite(now[d->watched[i]], d->is_double)) return 0;
    return 1;
}

static void call(const struct program *program, char **now, char *scratch, long n) {
    void *pointers[MOST_SLOTS];
    for (long i = 0; i < program->count; i++) pointers[i] = now[program->slots[i]];
    program->run(pointers, scratch, n, &products_table);
}

/* Gather the step's rows of each slot that has any. */
static void gather(const struct drive *d, char **now, long repeat, long step, long rows) {
    const long *order = d->order + repeat * d->order_stride + step * d->batch;
    char *to = d->gathered;
    for (long i = 0; i < d->slots; i++) {
        const long row = d->slot[i].row;
        if (!row) continue;
        for (long r = 0; r < rows; r++)
            memcpy(to + r * row, now[i] + order[r] * row, (unsigned long)row);
        now[i] = to;
        to += (d->batch * row + 63) / 64 * 64;
    }
}

/* Each network in turn: all of its steps, while it stays in the cache. */
void drive(const struct drive *d) {
    char *now[MOST_SLOTS];
    for (long i = 0; i < d->networks; i++) {
        const long network = d->chosen[i], repeat = d->repeat[network];
        for (long step = 0; step < d->steps; step++) {
            const long left = d->rows - step * d->batch, rows = left < d->batch ? left : d->batch;
            for (long k = 0; k < d->slots; k++) {
                const struct slot *s = d->slot + k;
                now[k] = s->base + network * s->network + repeat * s->repeat + step * s->step;
            }
            if (d->order) gather(d, now, repeat, step, rows);
            call(&d->step, now, d->scratch, rows);
            if (!goes_on(d, now)) break;
            if (d->update.run) call(&d->update, now, d->scratch, d->size);
        }
    }
}

long most_slots(void) { return MOST_SLOTS; }
