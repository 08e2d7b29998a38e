/* C (m x n) = A (m x k) B (k x n), in the number type REAL; included once for each.

A has strides of rows and of columns, B too, C of rows only. Columns are done in panels of two vectors. A panel that
is not a stretch of B as it lies in memory is copied first, zeros behind it, so that nothing is read or written
beyond a matrix. Rows are done in blocks whose sums stay in registers. */

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(what) JOIN(what##_, REAL)
#define LANES (VECTOR_BYTES / (long)sizeof(REAL))
#define PANEL (2 * LANES)

typedef REAL NAME(vector) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

/* `rows` is a constant wherever this is called, so that the sums are registers. */
ALWAYS void NAME(block)(long rows, long wide, const REAL *a, long a_row, long a_column, const REAL *b,
                        long b_row, REAL *c, long c_row, long depth, long columns, int first) {
    NAME(vector) sum[MOST_ROWS][2];
    UNROLL for (long i = 0; i < rows; i++)
        UNROLL for (long j = 0; j < wide; j++) sum[i][j] = (NAME(vector)){0};
    for (long k = 0; k < depth; k++) {
        NAME(vector) right[2];
        UNROLL for (long j = 0; j < wide; j++) right[j] = *(const NAME(vector) *)(b + k * b_row + j * LANES);
        UNROLL for (long i = 0; i < rows; i++) {
            const REAL left = a[i * a_row + k * a_column];
            UNROLL for (long j = 0; j < wide; j++) sum[i][j] += left * right[j];
        }
    }
    UNROLL for (long i = 0; i < rows; i++) {
        if (columns == wide * LANES && first) {
            UNROLL for (long j = 0; j < wide; j++) *(NAME(vector) *)(c + i * c_row + j * LANES) = sum[i][j];
        } else {
            REAL whole[PANEL];
            UNROLL for (long j = 0; j < wide; j++) *(NAME(vector) *)(whole + j * LANES) = sum[i][j];
            for (long j = 0; j < columns; j++) {
                REAL *to = c + i * c_row + j;
                *to = first ? whole[j] : *to + whole[j];
            }
        }
    }
}

#define BLOCKS(rows, wide)                                                                             \
    for (; row + rows <= m; row += rows)                                                               \
        NAME(block)(rows, wide, a + row * a_row, a_row, a_column, b, b_row, c + row * c_row, c_row, depth, \
                    columns, first);

static void NAME(panel_of_one)(const REAL *a, long a_row, long a_column, const REAL *b, long b_row, REAL *c,
                               long c_row, long m, long depth, long columns, int first) {
    long row = 0;
    BLOCKS(MOST_ROWS, 1)
    BLOCKS(4, 1)
    BLOCKS(2, 1)
    BLOCKS(1, 1)
}

static void NAME(panel_of_two)(const REAL *a, long a_row, long a_column, const REAL *b, long b_row, REAL *c,
                               long c_row, long m, long depth, long columns, int first) {
    long row = 0;
    BLOCKS(MOST_ROWS, 2)
    BLOCKS(4, 2)
    BLOCKS(2, 2)
    BLOCKS(1, 2)
}

/* Copy a panel so that its rows lie behind each other, as many columns wide as `lanes`, zeros at the end. */
static void NAME(pack)(REAL *restrict to, long lanes, const REAL *restrict from, long row, long column,
                       long depth, long columns) {
    if (columns < lanes) memset(to, 0, (unsigned long)(depth * lanes) * sizeof(REAL));
    if (row == 1) {
        long j = 0;
        for (; j + 4 <= columns; j += 4) {
            const REAL *restrict f = from + j * column;
            for (long k = 0; k < depth; k++) {
                REAL *restrict t = to + k * lanes + j;
                t[0] = f[k], t[1] = f[k + column], t[2] = f[k + 2 * column], t[3] = f[k + 3 * column];
            }
        }
        for (; j < columns; j++)
            for (long k = 0; k < depth; k++) to[k * lanes + j] = from[k + j * column];
    } else {
        for (long k = 0; k < depth; k++)
            for (long j = 0; j < columns; j++) to[k * lanes + j] = from[k * row + j * column];
    }
}

static void NAME(product)(const REAL *a, long a_row, long a_column, const REAL *b, long b_row, long b_column,
                          REAL *c, long c_row, long m, long n, long depth) {
    REAL packed[MOST_DEPTH * PANEL] __attribute__((aligned(64)));
    for (long k = 0; k < depth; k += MOST_DEPTH) {
        const long deep = depth - k < MOST_DEPTH ? depth - k : MOST_DEPTH;
        for (long j = 0; j < n; j += PANEL) {
            const long columns = n - j < PANEL ? n - j : PANEL;
            const long lanes = columns <= LANES ? LANES : PANEL;
            const REAL *panel = b + k * b_row + j * b_column;
            long step = b_row;
            if (b_column != 1 || columns != lanes) {
                NAME(pack)(packed, lanes, panel, b_row, b_column, deep, columns);
                panel = packed, step = lanes;
            }
            (lanes == LANES ? NAME(panel_of_one) : NAME(panel_of_two))(
                a + k * a_column, a_row, a_column, panel, step, c + j, c_row, m, deep, columns, k == 0);
        }
    }
}

#undef BLOCKS
#undef PANEL
#undef LANES
#undef NAME
#undef JOIN
#undef JOIN_
