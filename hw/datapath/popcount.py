from amaranth import *
def popcount(m, bits):
    n=len(bits)
    s=Signal(range(n+1))
    m.d.comb+=s.eq(sum(bits))
    return s
