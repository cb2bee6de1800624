// A clock that runs at the simulator's full speed: clk inverts itself through a nonblocking assignment, BURST cycles for each
// change of tick, in a single moment of simulated time. Registers and clk change together, and everything combinational
// settles before the next edge, as with a clock that has a period; the simulator's time queue is left out of the inner loop.
// With BURST = 0 clk follows tick, which a waveform or a netlist with delays needs.

module ring_clock #(parameter BURST = 1000) (
    input tick,
    input stop,
    output reg clk
);
    reg seen = 0;
    integer budget = 0;

    initial clk = 0;

    always @(tick or clk) begin
        if (BURST == 0) clk <= tick;
        else if (clk) clk <= 0;
        else if (stop) budget = 0;
        else if (budget != 0) begin
            budget = budget - 1;
            clk <= 1;
        end else if (tick !== seen) begin
            seen = tick;
            budget = BURST - 1;
            clk <= 1;
        end
    end
endmodule
