// The bench around a whole accelerator. It feeds frames from frames.bin, takes the results, and writes every beat to results.hex,
// so that Python wakes once per block of images and not per cycle.
//
// A run with `spoil` begins twice: after so many cycles with images that are thrown away comes a second reset, and what
// counts begins behind it.

module accelerator_bench #(
    parameter INPUT_BITS = 8,
    parameter OUTPUT_BITS = 8,
    parameter FRAME_BEATS = 64,
    parameter BLOCK = 16,
    parameter BURST = 1000
) (
    input tick
);
    wire clk;
    reg rst = 1;

    reg [INPUT_BITS-1:0] s_axis_tdata = 0;
    reg s_axis_tvalid = 0, s_axis_tlast = 0, m_axis_tready = 0;
    wire s_axis_tready, m_axis_tvalid, m_axis_tlast;
    wire [OUTPUT_BITS-1:0] m_axis_tdata;

    `DUT dut (
        .clk(clk),
        .rst(rst),
        .s_axis_tdata(s_axis_tdata),
        .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready),
        .s_axis_tlast(s_axis_tlast),
        .m_axis_tdata(m_axis_tdata),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
`ifdef LOAD
        , .load_tdata(load_words[load_at]), .load_tvalid(loading), .load_tready(load_ready)
`endif
    );

    // Memories that come up empty are loaded before the first image is taken.
    integer load_at = 0;
`ifdef LOAD
    reg [15:0] load_words [0:`LOAD-1];
    wire load_ready;
    wire loading = !rst && load_at < `LOAD;
    initial $readmemh("load.mem", load_words);
    always @(posedge clk) if (loading && load_ready) load_at <= load_at + 1;
`else
    wire loading = 0;
`endif

    // What Python reads. It waits for `reports` to change.
    reg [31:0] reports = 0, cycle = 0, first = 0, sent = 0, results = 0;
    reg finished = 0, stuck = 0;

    ring_clock #(.BURST(BURST)) ring (.tick(tick), .stop(finished || stuck), .clk(clk));

    integer total = 0, gap_rate = 0, stall_rate = 0, seed = 1, patience = 1000000, calm = 1000, spoil = 0;
    integer lag = 0, drag = 0;
    integer frames, code, position = 0, beat = 0, idle = 0, gap_left = 0, stall_left = 0, tail = 0;
    reg [31:0] gap_random, stall_random, release_at = 3;

    // Before what counts: the images that the second reset throws away, and the resets.
    wire early = spoil != 0;
    wire quiet = rst || early;
    reg pause, started = 0, flush = 0;
    reg [INPUT_BITS-1:0] block [0:BLOCK*FRAME_BEATS-1];

    // Cycles to go on after the last result: for beats too many, and for rows that a layer drops and the result did not need.
    integer tail_cycles = 64;

    initial begin
        if (!$value$plusargs("total=%d", total)) total = 0;
        if (!$value$plusargs("gap_rate=%d", gap_rate)) gap_rate = 0;
        if (!$value$plusargs("stall_rate=%d", stall_rate)) stall_rate = 0;
        if (!$value$plusargs("seed=%d", seed)) seed = 1;
        if (!$value$plusargs("patience=%d", patience)) patience = 1000000;
        if (!$value$plusargs("tail=%d", tail_cycles)) tail_cycles = 64;
        if (!$value$plusargs("calm=%d", calm)) calm = 1000;
        if (!$value$plusargs("spoil=%d", spoil)) spoil = 0;
        if (!$value$plusargs("lag=%d", lag)) lag = 0;
        if (!$value$plusargs("drag=%d", drag)) drag = 0;
        gap_random = seed * 2 + 1;
        stall_random = seed * 2 + 3;
        frames = $fopen("frames.bin", "rb");
        code = $fread(block, frames);
    end

    function [31:0] scrambled(input [31:0] x);
        begin
            x = x ^ (x << 13);
            x = x ^ (x >> 17);
            scrambled = x ^ (x << 5);
        end
    endfunction

    always @(posedge clk) begin
        cycle <= cycle + 1;
        if (cycle == release_at) rst <= 0;
        if (early && !rst && !loading) begin
            spoil <= spoil - 1;
            if (spoil == 1) begin
                rst <= 1;
                release_at <= cycle + 4;
            end
        end
    end

    // Long pauses: in the first images the source waits until the accelerator has run dry, in the middle of an image and
    // between two, and the sink until nothing more goes in. Either lasts until no beat has moved for `calm` cycles; the sink
    // waits for the source, since only what is offered beats can be full.
    // Slow ends: in two of five images a beat waits up to twice `lag` cycles at the source, and in four of eight `drag` at
    // the sink, so that the accelerator waits for its ends and all its stages run empty, or stand full, again and again.
    // Where both ends are slow, a stage is empty while the next one stands. There the sink is not ready before it has seen
    // a beat, as a sink may, so that a beat that waits to be asked for never comes.
    wire lags = gap_rate != 0 && (sent % 5 == 1 || sent % 5 == 2);
    wire drags = stall_rate != 0 && results % 8 < 4;
    wire dries = gap_rate != 0 && sent < 64 && (sent % 8 == 3 && beat == FRAME_BEATS / 2 || sent % 8 == 6 && beat == 0);
    wire fills = stall_rate != 0 && results < 64 && results % 8 == 0;
    reg dried = 0, filled = 0;
    wire drying = dries && !dried, rests = idle >= calm;

    always @(posedge clk) begin
        dried <= !rst && dries && (dried || rests);
        filled <= !rst && fills && (filled || rests && !drying);
    end

    // Source. A pause begins with probability gap_rate / 256 a beat; one in eight lasts up to 32 cycles.
    always @(posedge clk) if (rst) begin
        s_axis_tvalid <= 0;
        sent <= 0;
        beat <= 0;
        if (sent != 0 || position != 0) begin
            position = 0;
            code = $fseek(frames, 0, 0);
            code = $fread(block, frames);
        end
    end else begin
        if (!s_axis_tvalid || s_axis_tready) begin
            pause = drying;
            if (gap_rate != 0) begin
                gap_random = scrambled(gap_random);
                if (gap_left != 0) begin
                    gap_left = gap_left - 1;
                    pause = 1;
                end else if (lags) gap_left = {12'd0, gap_random[31:12]} % (2 * lag + 1);
                else if ({24'd0, gap_random[7:0]} < gap_rate) begin
                    gap_left = gap_random[10:8] == 0 ? {27'd0, gap_random[15:11]} : 0;
                    pause = 1;
                end
            end
            if (pause || sent == total) begin
                s_axis_tvalid <= 0;
                s_axis_tlast <= 1'bx;
                s_axis_tdata <= {INPUT_BITS{1'bx}};
            end else begin
                s_axis_tvalid <= 1;
                s_axis_tlast <= beat == FRAME_BEATS - 1;
                s_axis_tdata <= block[position];
                position = position + 1;
                if (position == BLOCK * FRAME_BEATS) begin
                    code = $fread(block, frames);
                    position = 0;
                end
                if (beat == FRAME_BEATS - 1) begin
                    beat <= 0;
                    sent <= sent + 1;
                end else beat <= beat + 1;
            end
        end
        if (!early && !started && s_axis_tvalid && s_axis_tready) begin
            started <= 1;
            first <= cycle;
        end
    end

    // Sink, with stalls as the gaps above, and the reports to Python: after each block, at the end, and when nothing moves.
    always @(posedge clk) if (rst) idle <= 0;
    else begin
        if (stall_rate == 0) m_axis_tready <= 1;
        else begin
            stall_random = scrambled(stall_random);
            m_axis_tready <= 0;
            if (stall_left != 0) stall_left = stall_left - 1;
            else if (drags && m_axis_tvalid && m_axis_tready) stall_left = {12'd0, stall_random[31:12]} % (2 * drag + 1);
            else if (!drags && {24'd0, stall_random[7:0]} < stall_rate)
                stall_left = stall_random[10:8] == 0 ? {27'd0, stall_random[15:11]} : 0;
            else if (!fills || filled) m_axis_tready <= !drags || m_axis_tvalid;
        end

        // Beats that are the last of no result do not count, or an accelerator that gives them for ever would never end.
        if (loading || (m_axis_tvalid && m_axis_tready && m_axis_tlast) || (s_axis_tvalid && s_axis_tready)) idle <= 0;
        else if (drying && rests) idle <= 0;
        else idle <= idle + 1;

        if (!early && m_axis_tvalid && m_axis_tready && m_axis_tlast) begin
            results <= results + 1;
            if ((results + 1) % BLOCK == 0 && results + 1 != total) begin
                flush <= ~flush;
                reports <= reports + 1;
            end
        end
        if (early) begin
        end else if (results >= total && !finished) begin
            tail <= tail + 1;
            if (tail == tail_cycles) begin
                finished <= 1;
                flush <= ~flush;
                reports <= reports + 1;
            end
        end else if (idle >= patience && !stuck) begin
            stuck <= 1;
            flush <= ~flush;
            reports <= reports + 1;
        end
    end

    stream_tap #(.WIDTH(INPUT_BITS), .NAME("s_axis"), .DUMP(0)) tap_input (
        .clk(clk), .rst(quiet), .flush(flush), .cycle(cycle),
        .valid(s_axis_tvalid), .ready(s_axis_tready), .last(s_axis_tlast), .payload(s_axis_tdata)
    );
    stream_tap #(.WIDTH(OUTPUT_BITS), .NAME("m_axis"), .DUMP(2)) tap_output (
        .clk(clk), .rst(quiet), .flush(flush), .cycle(cycle),
        .valid(m_axis_tvalid), .ready(m_axis_tready), .last(m_axis_tlast), .payload(m_axis_tdata)
    );

`ifdef TAPS
    `include "taps.svh"
`endif
endmodule


// Watches one stream: writes its beats to NAME.hex (DUMP = 1: payload, 2: payload, last, cycle), and the first breach of the
// stream rules to NAME.rule as its number and the cycle.
module stream_tap #(
    parameter WIDTH = 1,
    parameter NAME = "tap",
    parameter DUMP = 1
) (
    input clk,
    input rst,
    input flush,
    input [31:0] cycle,
    input valid,
    input ready,
    input last,
    input [WIDTH-1:0] payload
);
    localparam UNKNOWN_HANDSHAKE = 1, VALID_FELL = 2, PAYLOAD_CHANGED = 3, UNKNOWN_PAYLOAD = 4;

    integer beats, breaches, rule = 0;
    reg waiting = 0;
    reg [WIDTH:0] held;
    wire [WIDTH:0] shown = {last, payload};

    initial if (DUMP != 0) beats = $fopen({NAME, ".hex"}, "w");

    always @(posedge clk) if (!rst) begin
        if (DUMP == 1 && valid && ready) $fwrite(beats, "%h\n", payload);
        if (DUMP == 2 && valid && ready) $fwrite(beats, "%h %h %h\n", payload, last, cycle);

        if (rule == 0) begin
            if ((valid ^ ready) === 1'bx) rule = UNKNOWN_HANDSHAKE;
            else if (waiting && !valid) rule = VALID_FELL;
            else if (waiting && shown !== held) rule = PAYLOAD_CHANGED;
            else if (valid && ^shown === 1'bx) rule = UNKNOWN_PAYLOAD;
            if (rule != 0) begin
                breaches = $fopen({NAME, ".rule"}, "w");
                $fwrite(breaches, "%0d %0d\n", rule, cycle);
                $fclose(breaches);
            end
        end
        waiting <= valid && !ready;
        if (valid && !ready) held <= shown;
    end

    always @(flush) if (DUMP != 0) $fflush(beats);
endmodule
