// Runs the accelerator bench to its end and prints how it ended and when: the part that Python has in a run under cocotb.

#include <cstdio>

#include "Vstandalone.h"
#include "verilated.h"

int main(int argc, char** argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vstandalone top{&context};
    while (!top.finished && !top.stuck) {
        top.tick = !top.tick;
        top.eval();
        context.timeInc(5);
    }
    top.final();
    std::printf("%s %u %u\n", top.stuck ? "stuck" : "finished", top.cycle, top.first);
}
