/* A small share of each thing that a network's step is made of, to tell how fast a machine is. */

#include <math.h>
#include <string.h>

enum { ROWS = 32, UNITS = 32 };

static float x[ROWS][UNITS], w[UNITS][UNITS], y[ROWS][UNITS], m[UNITS * UNITS], v[UNITS * UNITS];

static void product(void)
{
    for (int row = 0; row < ROWS; row++) {
        for (int unit = 0; unit < UNITS; unit++)
            y[row][unit] = 0;
        for (int in = 0; in < UNITS; in++)
            for (int unit = 0; unit < UNITS; unit++)
                y[row][unit] += x[row][in] * w[in][unit];
    }
}

static void activation(void)
{
    for (int row = 0; row < ROWS; row++)
        for (int unit = 0; unit < UNITS; unit++)
            y[row][unit] = 1 / (1 + expf(-y[row][unit]));
}

static void update(void)
{
    const float *g = &y[0][0];
    float *p = &w[0][0];
    for (int i = 0; i < UNITS * UNITS; i++) {
        m[i] = 0.9f * m[i] + 0.1f * g[i];
        v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
        p[i] -= 0.001f * m[i] / (sqrtf(v[i]) + 1e-8f);
    }
}

/* What it returns depends on all of it, so that no compiler leaves any out. Each trial begins anew:
   what went on for long would come to numbers so small that they take a processor longer. */
double trial(long steps)
{
    memset(w, 0, sizeof w);
    memset(m, 0, sizeof m);
    memset(v, 0, sizeof v);
    for (int row = 0; row < ROWS; row++)
        for (int unit = 0; unit < UNITS; unit++)
            x[row][unit] = (float)((row * 7 + unit * 3) % 11) / 11 - 0.5f;
    for (long step = 0; step < steps; step++) {
        product();
        activation();
        update();
    }
    return y[0][0] + w[UNITS - 1][UNITS - 1];
}
