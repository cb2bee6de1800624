// The yardstick of speed.py: the verilated accelerator alone, driven by the shortest loop in C++, without VPI, Python or bench.
// Arguments: file of input beats, one byte each; beats a frame; frames. Prints cycles, seconds and a checksum of the results.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "Vaccelerator.h"
#include "verilated.h"

int main(int argc, char** argv) {
    const size_t frame = std::strtoul(argv[2], nullptr, 10), frames = std::strtoul(argv[3], nullptr, 10);
    std::vector<unsigned char> beats(frame * frames);
    std::FILE* file = std::fopen(argv[1], "rb");
    if (!file || std::fread(beats.data(), 1, beats.size(), file) != beats.size()) return 1;
    std::fclose(file);

    VerilatedContext context;
    Vaccelerator top{&context};
    unsigned long cycles = 0, checksum = 0;
    size_t position = 0, in_frame = 0, results = 0;

    const auto start = std::chrono::steady_clock::now();
    top.m_axis_tready = 1;
    for (top.rst = 1; results < frames; ++cycles) {
        if (cycles == 4) top.rst = 0;
        top.s_axis_tvalid = !top.rst && position < beats.size();
        if (top.s_axis_tvalid) top.s_axis_tdata = beats[position];
        top.s_axis_tlast = in_frame == frame - 1;
        top.clk = 0;
        top.eval();
        const bool taken = top.s_axis_tvalid && top.s_axis_tready;
        if (!top.rst && top.m_axis_tvalid) {
            checksum = checksum * 31 + top.m_axis_tdata;
            results += top.m_axis_tlast;
        }
        top.clk = 1;
        top.eval();
        if (taken) {
            ++position;
            if (++in_frame == frame) in_frame = 0;
        }
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    top.final();
    std::printf("%lu %.6f %lu\n", cycles, seconds.count(), checksum & 0xffffffff);
}
