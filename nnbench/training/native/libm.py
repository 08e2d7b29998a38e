"""The functions of libm that programs may call; no torch, so that the command line can ask."""

FUNCTIONS = (  # of one number, and in glibc's vector library
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos"),
    *("atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc"),
)
TWO = ("pow", "atan2", "hypot")  # of two numbers, and in that library
PLAIN = ("sqrt", "fabs", "floor", "ceil", "trunc", "rint")  # of one, and an instruction or two
PLAIN_TWO = ("copysign", "fmod")
