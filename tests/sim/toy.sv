// A toy accelerator for 3x4 images of one channel: how many pixels are 128 or more, and 12 less twice that number.
// A macro names the fault that it has.

module toy_bits (
    input clk, input rst,
    input i__valid, input [7:0] i__payload, output i__ready,
    output reg o__valid, output reg o__payload, input o__ready
);
    initial o__valid = 0;
    reg [7:0] count = 0;
    assign i__ready = !o__valid || o__ready;
    always @(posedge clk) begin
        if (i__ready) begin
            o__valid <= i__valid;
            o__payload <= i__payload[7];
            if (i__valid) count <= count + 1;
`ifdef WRONG_BIT
            if (count == 12 * 2 + 4 * 1 + 3) o__payload <= !i__payload[7];
`endif
        end
        if (rst) o__valid <= 0;
    end
endmodule

module toy (
    input clk, input rst,
    input [7:0] s_axis_tdata, input s_axis_tvalid, output s_axis_tready, input s_axis_tlast,
    output [7:0] m_axis_tdata, output m_axis_tvalid, input m_axis_tready, output m_axis_tlast
);
    wire valid, bit_;
    wire ready;
    toy_bits bits (
        .clk(clk), .rst(rst),
        .i__valid(s_axis_tvalid), .i__payload(s_axis_tdata), .i__ready(s_axis_tready),
        .o__valid(valid), .o__payload(bit_), .o__ready(ready)
    );

    reg [3:0] pixels = 0;
    reg [7:0] ones = 0, frames = 0;
    reg [1:0] beat = 0;
    wire full = pixels == 12;
    assign ready = !full;
    wire [7:0] rest = 12 - 2 * ones;

    reg hidden = 0, cold = 1;
`ifdef ENDLESS
    assign m_axis_tvalid = 1;
`elsif WAITS_FOR_READY
    assign m_axis_tvalid = full && m_axis_tready;
`else
    assign m_axis_tvalid = full && !hidden;
`endif
    assign m_axis_tdata = beat == 0 ? ones : beat == 1 ? rest : {7'd0, $signed(rest) > $signed(ones)};
`ifdef ENDLESS
    assign m_axis_tlast = 0;
`elsif LAST_TOO_EARLY
    assign m_axis_tlast = beat == 1;
`else
    assign m_axis_tlast = beat == 2;
`endif

    always @(posedge clk) begin
        if (valid && ready) begin
            pixels <= pixels + 1;
            ones <= ones + bit_;
`ifdef STOPS
            if (frames == 2) pixels <= pixels;
`endif
        end
`ifdef UNKNOWN
        if (frames == 1) ones <= 8'bx;
`endif
`ifdef DROPS_VALID
        hidden <= m_axis_tvalid && !m_axis_tready;
`endif
        if (m_axis_tvalid && m_axis_tready) begin
            beat <= beat + 1;
            if (beat == 2) begin
                beat <= 0;
                pixels <= 0;
                ones <= 0;
                frames <= frames + 1;
            end
        end
`ifdef RESET_FORGETS
        if (rst && cold) begin
`else
        if (rst) begin
`endif
            cold <= 0;
            pixels <= 0;
            ones <= 0;
            beat <= 0;
            frames <= 0;
        end
    end
endmodule
