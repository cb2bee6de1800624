// Gowin cells that Yosys has no behaviour for, and those of nextpnr.
// The PLLs hand their reference clock on, so that one period of the pin is one period of the core, and lock at once.

// The arithmetic cell as it is documented. (Icarus 11 breaks off at Yosys' model, a case statement.)
module ALU(input I0, I1, I3, CIN, output SUM, COUT);
    parameter ALU_MODE = 0;
    localparam ADD = 0, SUB = 1, ADDSUB = 2, NE = 3, GE = 4, LE = 5, CUP = 6, CDN = 7, CUPCDN = 8, MULT = 9;
    wire propagate = ALU_MODE == ADD ? I0 ^ I1
        : ALU_MODE == SUB || ALU_MODE == NE || ALU_MODE == GE || ALU_MODE == LE ? ~(I0 ^ I1)
        : ALU_MODE == ADDSUB ? I0 ^ I1 ^ ~I3
        : ALU_MODE == CUP ? I0
        : ALU_MODE == CDN ? ~I0
        : ALU_MODE == CUPCDN ? ~(I0 ^ I3)
        : ALU_MODE == MULT ? (I0 & I1) ^ I3 : 1'bx;
    wire generated = ALU_MODE == NE || ALU_MODE == CDN ? 1'b1
        : ALU_MODE == CUP ? 1'b0
        : ALU_MODE == LE ? I1
        : ALU_MODE == MULT ? I0 & I1 : I0;
    assign SUM = propagate ^ CIN;
    assign COUT = propagate ? CIN : generated;
endmodule

// An arithmetic cell as it is made (apicula, "ALU"): a table of its four inputs, and one of two, in the low bits of the same
// table, that puts a carry out where the first does not hand the carry in on.
module ALU_PLACED(input I0, I1, I2, I3, CIN, output SUM, COUT);
    parameter [15:0] TABLE = 16'h0000;
    wire [7:0] by_3 = I3 ? TABLE[15:8] : TABLE[7:0];
    wire [3:0] by_2 = I2 ? by_3[7:4] : by_3[3:0];
    wire [1:0] by_1 = I1 ? by_2[3:2] : by_2[1:0];
    wire propagate = I0 ? by_1[1] : by_1[0];
    wire [1:0] low_1 = I1 ? TABLE[3:2] : TABLE[1:0];
    assign SUM = propagate ^ CIN;
    assign COUT = propagate ? CIN : I0 ? low_1[1] : low_1[0];
endmodule

module RAM16SDP4(input [3:0] DI, WAD, RAD, input WRE, CLK, CE, output [3:0] DO);
    parameter [15:0] INIT_0 = 16'h0000;
    parameter [15:0] INIT_1 = 16'h0000;
    parameter [15:0] INIT_2 = 16'h0000;
    parameter [15:0] INIT_3 = 16'h0000;
    reg [15:0] memory_0 = INIT_0, memory_1 = INIT_1, memory_2 = INIT_2, memory_3 = INIT_3;
    assign DO = {memory_3[RAD], memory_2[RAD], memory_1[RAD], memory_0[RAD]};
    always @(posedge CLK) if (WRE && CE) begin
        memory_0[WAD] <= DI[0];
        memory_1[WAD] <= DI[1];
        memory_2[WAD] <= DI[2];
        memory_3[WAD] <= DI[3];
    end
endmodule

// One bit of the words of a RAM in tables, as it is made: read at an address of its own.
module RAM16_PLACED(input DI, input [3:0] WAD, RAD, input WRE, CLK, CE, output DO);
    parameter [15:0] INIT = 16'h0000;
    reg [15:0] memory = INIT;
    assign DO = memory[RAD];
    always @(posedge CLK) if (WRE && CE) memory[WAD] <= DI;
endmodule

module GOWIN_VCC(output V);
    assign V = 1'b1;
endmodule

module GOWIN_GND(output G);
    assign G = 1'b0;
endmodule

module BUFG(input I, output O);
    assign O = I;
endmodule

module GSR(input GSRI);
endmodule

module rPLL(
    input CLKIN, CLKFB, RESET, RESET_P,
    input [5:0] FBDSEL, IDSEL, ODSEL,
    input [3:0] PSDA, DUTYDA, FDLY,
    output CLKOUT, LOCK, CLKOUTP, CLKOUTD, CLKOUTD3
);
    parameter FCLKIN = "100.0";
    parameter DYN_IDIV_SEL = "false";
    parameter IDIV_SEL = 0;
    parameter DYN_FBDIV_SEL = "false";
    parameter FBDIV_SEL = 0;
    parameter DYN_ODIV_SEL = "false";
    parameter ODIV_SEL = 8;
    parameter PSDA_SEL = "0000";
    parameter DYN_DA_EN = "false";
    parameter DUTYDA_SEL = "1000";
    parameter CLKOUT_FT_DIR = 1'b1;
    parameter CLKOUTP_FT_DIR = 1'b1;
    parameter CLKOUT_DLY_STEP = 0;
    parameter CLKOUTP_DLY_STEP = 0;
    parameter CLKFB_SEL = "internal";
    parameter CLKOUT_BYPASS = "false";
    parameter CLKOUTP_BYPASS = "false";
    parameter CLKOUTD_BYPASS = "false";
    parameter DYN_SDIV_SEL = 2;
    parameter CLKOUTD_SRC = "CLKOUT";
    parameter CLKOUTD3_SRC = "CLKOUT";
    parameter DEVICE = "GW1N-1";
    assign CLKOUT = CLKIN, CLKOUTP = CLKIN, CLKOUTD = CLKIN, CLKOUTD3 = CLKIN, LOCK = ~RESET;
endmodule
