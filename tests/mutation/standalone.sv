// The accelerator bench as a program of its own, for standalone.cpp: what Python reads from the bench stands at ports.

module standalone #(
    parameter INPUT_BITS = 8,
    parameter OUTPUT_BITS = 8,
    parameter FRAME_BEATS = 64,
    parameter BLOCK = 16,
    parameter BURST = 1000
) (
    input tick,
    output finished,
    output stuck,
    output [31:0] cycle,
    output [31:0] first
);
    accelerator_bench #(
        .INPUT_BITS(INPUT_BITS),
        .OUTPUT_BITS(OUTPUT_BITS),
        .FRAME_BEATS(FRAME_BEATS),
        .BLOCK(BLOCK),
        .BURST(BURST)
    ) bench (
        .tick(tick)
    );

    assign finished = bench.finished;
    assign stuck = bench.stuck;
    assign cycle = bench.cycle;
    assign first = bench.first;
endmodule
