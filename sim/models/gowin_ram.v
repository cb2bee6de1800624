// Gowin block RAM, of which Yosys has no behaviour: one model, and the cells that it serves.

// Block RAM (Gowin UG285) of 2048 bytes of BYTE bits, 8 or 9: byte b is INIT[BYTE * b +: BYTE], and INIT is INIT_RAM_00 to
// INIT_RAM_3F put together. A port
// of up to one byte takes the part of a byte that its address says; a wider one takes 2 or 4 bytes, with a byte enable each in
// the low address bits. WRITE_MODE 0 keeps the output in a write, 1 shows what is written, 2 what was there. The output
// register is not modelled: READ_MODE must be 0.
module GOWIN_BSRAM(
    input CLKA, CEA, WREA, RESETA, CLKB, CEB, WREB, RESETB,
    input [13:0] ADA, ADB,
    input [35:0] DIA, DIB,
    output reg [35:0] DOA, DOB
);
    parameter BYTE = 9;
    parameter WIDTH_A = 9;
    parameter WIDTH_B = 9;
    parameter [1:0] WRITE_MODE_A = 0;
    parameter [1:0] WRITE_MODE_B = 0;
    parameter RESET_MODE = "SYNC";
    parameter [288 * 64 - 1:0] INIT = 0;

    reg [8:0] memory [0:2047];
    reg [32 * BYTE - 1:0] slice;
    integer index;
    initial begin
        for (index = 0; index < 2048; index = index + 1) begin
            // Icarus copies the whole of INIT for every select.
            if (index % 32 == 0) slice = INIT[BYTE * index +: 32 * BYTE];
            memory[index] = slice[BYTE * (index % 32) +: BYTE];
        end
        DOA = 0;
        DOB = 0;
    end

    // The bits of byte `lane` of a port's first that an access of `width` bits at `address` takes.
    function [8:0] mask(input integer width, input [13:0] address, input integer lane);
        case (width)
            1: mask = lane == 0 ? 9'h001 << address[2:0] : 0;
            2: mask = lane == 0 ? 9'h003 << {address[2:1], 1'b0} : 0;
            4: mask = lane == 0 ? 9'h00f << {address[2], 2'b0} : 0;
            8, 9: mask = lane == 0 ? 9'h1ff : 0;
            16, 18: mask = lane < 2 && address[lane] ? 9'h1ff : 0;
            default: mask = address[lane] ? 9'h1ff : 0;
        endcase
    endfunction

    function [8:0] written(input integer width, input [35:0] data, input integer lane);
        case (width)
            1: written = {9{data[0]}};
            2: written = {1'b0, {4{data[1:0]}}};
            4: written = {1'b0, {2{data[3:0]}}};
            default: written = BYTE == 9 ? data[9 * lane +: 9] : {1'b0, data[8 * lane +: 8]};
        endcase
    endfunction

    function [35:0] shown(input integer width, input [13:0] address, input [35:0] bytes);
        case (width)
            1: shown = bytes[address[2:0]];
            2: shown = bytes[{address[2:1], 1'b0} +: 2];
            4: shown = bytes[{address[2], 2'b0} +: 4];
            8: shown = bytes[7:0];
            9: shown = bytes[8:0];
            16: shown = {bytes[16:9], bytes[7:0]};
            18: shown = bytes[17:0];
            32: shown = {bytes[34:27], bytes[25:18], bytes[16:9], bytes[7:0]};
            default: shown = bytes;
        endcase
    endfunction

    function [10:0] first(input integer width, input [13:0] address);
        first = width < 16 ? address[13:3] : width < 32 ? {address[13:4], 1'b0} : {address[13:5], 2'b0};
    endfunction

    wire [10:0] first_a = first(WIDTH_A, ADA);
    wire [35:0] old_a = {memory[first_a | 11'd3], memory[first_a | 11'd2], memory[first_a | 11'd1], memory[first_a]};
    wire [35:0] mask_a = {mask(WIDTH_A, ADA, 3), mask(WIDTH_A, ADA, 2), mask(WIDTH_A, ADA, 1), mask(WIDTH_A, ADA, 0)};
    wire [35:0] data_a = {
        written(WIDTH_A, DIA, 3), written(WIDTH_A, DIA, 2), written(WIDTH_A, DIA, 1), written(WIDTH_A, DIA, 0)
    };
    wire [35:0] new_a = (old_a & ~mask_a) | (data_a & mask_a);
    wire clear_a = RESETA && RESET_MODE == "ASYNC";
    always @(posedge CLKA) if (CEA && WREA) begin
        memory[first_a] <= new_a[8:0];
        if (WIDTH_A >= 16) memory[first_a | 11'd1] <= new_a[17:9];
        if (WIDTH_A >= 32) memory[first_a | 11'd2] <= new_a[26:18];
        if (WIDTH_A >= 32) memory[first_a | 11'd3] <= new_a[35:27];
    end
    always @(posedge CLKA, posedge clear_a)
        if (clear_a) DOA <= 0;
        else if (RESETA && RESET_MODE == "SYNC") DOA <= 0;
        else if (CEA && (!WREA || WRITE_MODE_A != 0))
            DOA <= shown(WIDTH_A, ADA, WREA && WRITE_MODE_A == 1 ? new_a : old_a);

    wire [10:0] first_b = first(WIDTH_B, ADB);
    wire [35:0] old_b = {memory[first_b | 11'd3], memory[first_b | 11'd2], memory[first_b | 11'd1], memory[first_b]};
    wire [35:0] mask_b = {mask(WIDTH_B, ADB, 3), mask(WIDTH_B, ADB, 2), mask(WIDTH_B, ADB, 1), mask(WIDTH_B, ADB, 0)};
    wire [35:0] data_b = {
        written(WIDTH_B, DIB, 3), written(WIDTH_B, DIB, 2), written(WIDTH_B, DIB, 1), written(WIDTH_B, DIB, 0)
    };
    wire [35:0] new_b = (old_b & ~mask_b) | (data_b & mask_b);
    wire clear_b = RESETB && RESET_MODE == "ASYNC";
    always @(posedge CLKB) if (CEB && WREB) begin
        memory[first_b] <= new_b[8:0];
        if (WIDTH_B >= 16) memory[first_b | 11'd1] <= new_b[17:9];
        if (WIDTH_B >= 32) memory[first_b | 11'd2] <= new_b[26:18];
        if (WIDTH_B >= 32) memory[first_b | 11'd3] <= new_b[35:27];
    end
    always @(posedge CLKB, posedge clear_b)
        if (clear_b) DOB <= 0;
        else if (RESETB && RESET_MODE == "SYNC") DOB <= 0;
        else if (CEB && (!WREB || WRITE_MODE_B != 0))
            DOB <= shown(WIDTH_B, ADB, WREB && WRITE_MODE_B == 1 ? new_b : old_b);

endmodule

module SP(
    input CLK, CE, OCE, RESET, WRE,
    input [2:0] BLKSEL,
    input [13:0] AD,
    input [31:0] DI,
    output [31:0] DO
);
    parameter READ_MODE = 1'b0;
    parameter [1:0] WRITE_MODE = 2'b00;
    parameter BIT_WIDTH = 32;
    parameter [2:0] BLK_SEL = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [16383:0] INIT = 0;

    wire [35:0] out_a, out_b;
    assign DO = out_a[31:0];
    GOWIN_BSRAM #(
        .BYTE(8), .RESET_MODE(RESET_MODE), .INIT(INIT),
        .WIDTH_A(BIT_WIDTH), .WRITE_MODE_A(WRITE_MODE)
    ) memory (
        .CLKA(CLK), .CEA(CE && BLKSEL == BLK_SEL), .WREA(WRE), .RESETA(RESET), .ADA(AD), .DIA({4'd0, DI}), .DOA(out_a),
        .CLKB(1'b0), .CEB(1'b0), .WREB(1'b0), .RESETB(1'b0), .ADB(14'd0), .DIB(36'd0), .DOB(out_b)
    );
endmodule

module pROM(
    input CLK, CE, OCE, RESET,
    input [13:0] AD,
    output [31:0] DO
);
    parameter READ_MODE = 1'b0;
    parameter BIT_WIDTH = 32;
    parameter RESET_MODE = "SYNC";
    parameter [16383:0] INIT = 0;

    wire [35:0] out_a, out_b;
    assign DO = out_a[31:0];
    GOWIN_BSRAM #(
        .BYTE(8), .RESET_MODE(RESET_MODE), .INIT(INIT),
        .WIDTH_A(BIT_WIDTH)
    ) memory (
        .CLKA(CLK), .CEA(CE), .WREA(1'b0), .RESETA(RESET), .ADA(AD), .DIA(36'd0), .DOA(out_a),
        .CLKB(1'b0), .CEB(1'b0), .WREB(1'b0), .RESETB(1'b0), .ADB(14'd0), .DIB(36'd0), .DOB(out_b)
    );
endmodule

module SDPB(
    input CLKA, CEA, RESETA, CLKB, CEB, OCE, RESETB,
    input [2:0] BLKSELA, BLKSELB,
    input [13:0] ADA, ADB,
    input [31:0] DI,
    output [31:0] DO
);
    parameter READ_MODE = 1'b0;
    parameter BIT_WIDTH_0 = 32;
    parameter BIT_WIDTH_1 = 32;
    parameter [2:0] BLK_SEL_0 = 3'b000;
    parameter [2:0] BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [16383:0] INIT = 0;

    wire [35:0] out_a, out_b;
    assign DO = out_b[31:0];
    GOWIN_BSRAM #(
        .BYTE(8), .RESET_MODE(RESET_MODE), .INIT(INIT),
        .WIDTH_A(BIT_WIDTH_0), .WIDTH_B(BIT_WIDTH_1)
    ) memory (
        .CLKA(CLKA), .CEA(CEA && BLKSELA == BLK_SEL_0), .WREA(1'b1), .RESETA(RESETA), .ADA(ADA), .DIA({4'd0, DI}), .DOA(out_a),
        .CLKB(CLKB), .CEB(CEB && BLKSELB == BLK_SEL_1), .WREB(1'b0), .RESETB(RESETB), .ADB(ADB), .DIB(36'd0), .DOB(out_b)
    );
endmodule

module DPB(
    input CLKA, CEA, OCEA, RESETA, WREA, CLKB, CEB, OCEB, RESETB, WREB,
    input [2:0] BLKSELA, BLKSELB,
    input [13:0] ADA, ADB,
    input [15:0] DIA, DIB,
    output [15:0] DOA, DOB
);
    parameter READ_MODE0 = 1'b0;
    parameter READ_MODE1 = 1'b0;
    parameter [1:0] WRITE_MODE0 = 2'b00;
    parameter [1:0] WRITE_MODE1 = 2'b00;
    parameter BIT_WIDTH_0 = 16;
    parameter BIT_WIDTH_1 = 16;
    parameter [2:0] BLK_SEL_0 = 3'b000;
    parameter [2:0] BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [16383:0] INIT = 0;

    wire [35:0] out_a, out_b;
    assign DOA = out_a[15:0];
    assign DOB = out_b[15:0];
    GOWIN_BSRAM #(
        .BYTE(8), .RESET_MODE(RESET_MODE), .INIT(INIT),
        .WIDTH_A(BIT_WIDTH_0), .WIDTH_B(BIT_WIDTH_1), .WRITE_MODE_A(WRITE_MODE0), .WRITE_MODE_B(WRITE_MODE1)
    ) memory (
        .CLKA(CLKA), .CEA(CEA && BLKSELA == BLK_SEL_0), .WREA(WREA), .RESETA(RESETA), .ADA(ADA), .DIA({20'd0, DIA}), .DOA(out_a),
        .CLKB(CLKB), .CEB(CEB && BLKSELB == BLK_SEL_1), .WREB(WREB), .RESETB(RESETB), .ADB(ADB), .DIB({20'd0, DIB}), .DOB(out_b)
    );
endmodule

module SPX9(
    input CLK, CE, OCE, RESET, WRE,
    input [2:0] BLKSEL,
    input [13:0] AD,
    input [35:0] DI,
    output [35:0] DO
);
    parameter READ_MODE = 1'b0;
    parameter [1:0] WRITE_MODE = 2'b00;
    parameter BIT_WIDTH = 36;
    parameter [2:0] BLK_SEL = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [18431:0] INIT = 0;

    wire [35:0] out_a, out_b;
    assign DO = out_a[35:0];
    GOWIN_BSRAM #(
        .BYTE(9), .RESET_MODE(RESET_MODE), .INIT(INIT),
        .WIDTH_A(BIT_WIDTH), .WRITE_MODE_A(WRITE_MODE)
    ) memory (
        .CLKA(CLK), .CEA(CE && BLKSEL == BLK_SEL), .WREA(WRE), .RESETA(RESET), .ADA(AD), .DIA(DI), .DOA(out_a),
        .CLKB(1'b0), .CEB(1'b0), .WREB(1'b0), .RESETB(1'b0), .ADB(14'd0), .DIB(36'd0), .DOB(out_b)
    );
endmodule

module pROMX9(
    input CLK, CE, OCE, RESET,
    input [13:0] AD,
    output [35:0] DO
);
    parameter READ_MODE = 1'b0;
    parameter BIT_WIDTH = 36;
    parameter RESET_MODE = "SYNC";
    parameter [18431:0] INIT = 0;

    wire [35:0] out_a, out_b;
    assign DO = out_a[35:0];
    GOWIN_BSRAM #(
        .BYTE(9), .RESET_MODE(RESET_MODE), .INIT(INIT),
        .WIDTH_A(BIT_WIDTH)
    ) memory (
        .CLKA(CLK), .CEA(CE), .WREA(1'b0), .RESETA(RESET), .ADA(AD), .DIA(36'd0), .DOA(out_a),
        .CLKB(1'b0), .CEB(1'b0), .WREB(1'b0), .RESETB(1'b0), .ADB(14'd0), .DIB(36'd0), .DOB(out_b)
    );
endmodule

module SDPX9B(
    input CLKA, CEA, RESETA, CLKB, CEB, OCE, RESETB,
    input [2:0] BLKSELA, BLKSELB,
    input [13:0] ADA, ADB,
    input [35:0] DI,
    output [35:0] DO
);
    parameter READ_MODE = 1'b0;
    parameter BIT_WIDTH_0 = 36;
    parameter BIT_WIDTH_1 = 36;
    parameter [2:0] BLK_SEL_0 = 3'b000;
    parameter [2:0] BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [18431:0] INIT = 0;

    wire [35:0] out_a, out_b;
    assign DO = out_b[35:0];
    GOWIN_BSRAM #(
        .BYTE(9), .RESET_MODE(RESET_MODE), .INIT(INIT),
        .WIDTH_A(BIT_WIDTH_0), .WIDTH_B(BIT_WIDTH_1)
    ) memory (
        .CLKA(CLKA), .CEA(CEA && BLKSELA == BLK_SEL_0), .WREA(1'b1), .RESETA(RESETA), .ADA(ADA), .DIA(DI), .DOA(out_a),
        .CLKB(CLKB), .CEB(CEB && BLKSELB == BLK_SEL_1), .WREB(1'b0), .RESETB(RESETB), .ADB(ADB), .DIB(36'd0), .DOB(out_b)
    );
endmodule

module DPX9B(
    input CLKA, CEA, OCEA, RESETA, WREA, CLKB, CEB, OCEB, RESETB, WREB,
    input [2:0] BLKSELA, BLKSELB,
    input [13:0] ADA, ADB,
    input [17:0] DIA, DIB,
    output [17:0] DOA, DOB
);
    parameter READ_MODE0 = 1'b0;
    parameter READ_MODE1 = 1'b0;
    parameter [1:0] WRITE_MODE0 = 2'b00;
    parameter [1:0] WRITE_MODE1 = 2'b00;
    parameter BIT_WIDTH_0 = 18;
    parameter BIT_WIDTH_1 = 18;
    parameter [2:0] BLK_SEL_0 = 3'b000;
    parameter [2:0] BLK_SEL_1 = 3'b000;
    parameter RESET_MODE = "SYNC";
    parameter [18431:0] INIT = 0;

    wire [35:0] out_a, out_b;
    assign DOA = out_a[17:0];
    assign DOB = out_b[17:0];
    GOWIN_BSRAM #(
        .BYTE(9), .RESET_MODE(RESET_MODE), .INIT(INIT),
        .WIDTH_A(BIT_WIDTH_0), .WIDTH_B(BIT_WIDTH_1), .WRITE_MODE_A(WRITE_MODE0), .WRITE_MODE_B(WRITE_MODE1)
    ) memory (
        .CLKA(CLKA), .CEA(CEA && BLKSELA == BLK_SEL_0), .WREA(WREA), .RESETA(RESETA), .ADA(ADA), .DIA({18'd0, DIA}), .DOA(out_a),
        .CLKB(CLKB), .CEB(CEB && BLKSELB == BLK_SEL_1), .WREB(WREB), .RESETB(RESETB), .ADB(ADB), .DIB({18'd0, DIB}), .DOB(out_b)
    );
endmodule

// Block RAM as it is made: two ports of 18 bits, whatever a design calls it. A port of 36 bits writes both its own bits
// and those of the other port, or reads so.
module BSRAM_PLACED(
    input CLKA, CEA, WREA, RESETA, CLKB, CEB, WREB, RESETB,
    input [2:0] BLKSELA, BLKSELB,
    input [13:0] ADA, ADB,
    input [17:0] DIA, DIB,
    output [17:0] DOA, DOB
);
    parameter WIDTH_A = 18;
    parameter WIDTH_B = 18;
    parameter [1:0] WRITE_MODE_A = 2'b00;
    parameter [1:0] WRITE_MODE_B = 2'b00;
    parameter [2:0] BLK_SEL_A = 3'b000;
    parameter [2:0] BLK_SEL_B = 3'b000;
    parameter [0:0] CLK_INVERTED_A = 0;
    parameter [0:0] CLK_INVERTED_B = 0;
    parameter [0:0] CE_INVERTED_A = 0;
    parameter [0:0] CE_INVERTED_B = 0;
    parameter [0:0] WE_INVERTED_A = 0;
    parameter [0:0] WE_INVERTED_B = 0;
    parameter [0:0] RST_INVERTED_A = 0;
    parameter [0:0] RST_INVERTED_B = 0;
    parameter RESET_MODE = "SYNC";
    parameter [18431:0] INIT = 0;

    wire [35:0] out_a, out_b;
    assign DOA = WIDTH_B == 36 ? out_b[17:0] : out_a[17:0];
    assign DOB = WIDTH_B == 36 ? out_b[35:18] : out_b[17:0];
    GOWIN_BSRAM #(
        .BYTE(9), .RESET_MODE(RESET_MODE), .INIT(INIT),
        .WIDTH_A(WIDTH_A), .WRITE_MODE_A(WRITE_MODE_A), .WIDTH_B(WIDTH_B), .WRITE_MODE_B(WRITE_MODE_B)
    ) memory (
        .CLKA(CLKA ^ CLK_INVERTED_A), .CEA((CEA ^ CE_INVERTED_A) && BLKSELA == BLK_SEL_A), .WREA(WREA ^ WE_INVERTED_A),
        .RESETA(RESETA ^ RST_INVERTED_A), .ADA(ADA), .DIA({DIB, DIA}), .DOA(out_a),
        .CLKB(CLKB ^ CLK_INVERTED_B), .CEB((CEB ^ CE_INVERTED_B) && BLKSELB == BLK_SEL_B), .WREB(WREB ^ WE_INVERTED_B),
        .RESETB(RESETB ^ RST_INVERTED_B), .ADB(ADB), .DIB({18'd0, DIB}), .DOB(out_b)
    );
endmodule
