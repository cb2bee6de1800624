// ECP5 cells that Yosys has no behaviour for, and those of nextpnr. Pads are chosen by direction.
// The PLL hands its reference clock on, so that one period of the pin is one period of the core, and locks at once.

// A slice's table with its multiplexer, one bit of carry (CCU2), or one bit of distributed memory (DPRAM, whose write address
// and data come from a TRELLIS_RAMW). The table is indexed D, C, B, A in every mode.
module TRELLIS_COMB(
    input A, B, C, D, M, FCI, F1, FXA, FXB, DI0, DI1, WD, WAD0, WAD1, WAD2, WAD3, WRE, WCK,
    output F, FCO, OFX
);
    parameter MODE = "LOGIC";
    parameter [15:0] INITVAL = 16'h0000;
    parameter CCU2_INJECT1 = "NO";
    parameter WREMUX = "WRE";
    parameter WCKMUX = "WCK";
    parameter IS_Z1 = 1'b0;

    wire [7:0] by_d = D ? INITVAL[15:8] : INITVAL[7:0];
    wire [3:0] by_c = C ? by_d[7:4] : by_d[3:0];
    wire [1:0] by_b = B ? by_c[3:2] : by_c[1:0];
    wire table_4 = A ? by_b[1] : by_b[0];
    wire [1:0] low_b = B ? INITVAL[3:2] : INITVAL[1:0];
    wire table_2 = A ? low_b[1] : low_b[0];

    generate
        if (MODE == "CCU2") begin
            assign F = table_4 ^ (CCU2_INJECT1 == "YES" ? 1'b0 : FCI);
            assign FCO = table_4 ? FCI : CCU2_INJECT1 == "YES" ? 1'b0 : table_2;
        end else if (MODE == "DPRAM") begin
            reg [15:0] memory = INITVAL;
            wire clock = WCKMUX == "INV" ? ~WCK : WCK;
            wire write = WREMUX == "INV" ? ~WRE : WREMUX == "1" ? 1'b1 : WREMUX == "0" ? 1'b0 : WRE;
            always @(posedge clock) if (write) memory[{WAD0, WAD2, WAD1, WAD3}] <= WD;
            assign F = memory[{D, C, B, A}];
            assign FCO = 1'bx;
        end else begin
            assign F = MODE == "LOGIC" ? table_4 : 1'bx;
            assign FCO = 1'bx;
        end
    endgenerate
    assign OFX = M ? (IS_Z1 ? FXB : F1) : (IS_Z1 ? FXA : F);
endmodule

module TRELLIS_RAMW(
    input A0, B0, C0, D0, A1, B1, C1, D1,
    output WDO0, WDO1, WDO2, WDO3, WADO0, WADO1, WADO2, WADO3
);
    assign {WADO3, WADO2, WADO1, WADO0} = {A0, C0, B0, D0};
    assign {WDO3, WDO2, WDO1, WDO0} = {B1, D1, A1, C1};
endmodule

// SD selects what the flip-flop takes: DI, from the table of its own half slice, or M, from the fabric.
module TRELLIS_FF(input CLK, LSR, CE, DI, M, output reg Q);
    parameter GSR = "ENABLED";
    parameter CEMUX = "1";
    parameter CLKMUX = "CLK";
    parameter LSRMUX = "LSR";
    parameter SRMODE = "LSR_OVER_CE";
    parameter REGSET = "RESET";
    parameter SD = "1";

    wire clock = CLKMUX == "INV" ? ~CLK : CLK;
    wire reset = LSRMUX == "INV" ? ~LSR : LSR;
    wire enable = CEMUX == "INV" ? ~CE : CEMUX == "1" ? 1'b1 : CEMUX == "0" ? 1'b0 : CE;
    wire data = SD == "1" ? DI : M;
    localparam SET = REGSET == "SET";

    initial Q = SET;
    generate
        if (SRMODE == "ASYNC") begin
            always @(posedge clock, posedge reset)
                if (reset) Q <= SET;
                else if (enable) Q <= data;
        end else if (SRMODE == "CE_OVER_LSR") begin
            always @(posedge clock) if (enable) Q <= reset ? SET : data;
        end else begin
            always @(posedge clock)
                if (reset) Q <= SET;
                else if (enable) Q <= data;
        end
    endgenerate
endmodule

module TRELLIS_IO_INPUT(input B, I, T, IOLDO, IOLTO, output O);
    parameter DIR = "INPUT";
    parameter DATAMUX_ODDR = "PADDO";
    parameter DATAMUX_MDDR = "PADDO";
    assign O = DIR == "INPUT" ? B : 1'bx;
endmodule

module TRELLIS_IO_OUTPUT(output B, input I, T, IOLDO, IOLTO, output O);
    parameter DIR = "OUTPUT";
    parameter DATAMUX_ODDR = "PADDO";
    parameter DATAMUX_MDDR = "PADDO";
    assign B = DIR == "OUTPUT" && DATAMUX_ODDR == "PADDO" ? I : 1'bx;
    assign O = 1'bx;
endmodule

module DCCA(input CLKI, CE, output CLKO);
    assign CLKO = CLKI & CE;
endmodule

module EHXPLLL(
    input CLKI, CLKFB, PHASESEL1, PHASESEL0, PHASEDIR, PHASESTEP, PHASELOADREG, STDBY, PLLWAKESYNC, RST,
          ENCLKOP, ENCLKOS, ENCLKOS2, ENCLKOS3,
    output CLKOP, CLKOS, CLKOS2, CLKOS3, LOCK, INTLOCK, REFCLK, CLKINTFB
);
    parameter CLKI_DIV = 1;
    parameter CLKFB_DIV = 1;
    parameter CLKOP_DIV = 8;
    parameter CLKOS_DIV = 8;
    parameter CLKOS2_DIV = 8;
    parameter CLKOS3_DIV = 8;
    parameter CLKOP_ENABLE = "ENABLED";
    parameter CLKOS_ENABLE = "DISABLED";
    parameter CLKOS2_ENABLE = "DISABLED";
    parameter CLKOS3_ENABLE = "DISABLED";
    parameter CLKOP_CPHASE = 0;
    parameter CLKOS_CPHASE = 0;
    parameter CLKOS2_CPHASE = 0;
    parameter CLKOS3_CPHASE = 0;
    parameter CLKOP_FPHASE = 0;
    parameter CLKOS_FPHASE = 0;
    parameter CLKOS2_FPHASE = 0;
    parameter CLKOS3_FPHASE = 0;
    parameter FEEDBK_PATH = "CLKOP";
    parameter CLKOP_TRIM_POL = "RISING";
    parameter CLKOP_TRIM_DELAY = 0;
    parameter CLKOS_TRIM_POL = "RISING";
    parameter CLKOS_TRIM_DELAY = 0;
    parameter OUTDIVIDER_MUXA = "DIVA";
    parameter OUTDIVIDER_MUXB = "DIVB";
    parameter OUTDIVIDER_MUXC = "DIVC";
    parameter OUTDIVIDER_MUXD = "DIVD";
    parameter PLL_LOCK_MODE = 0;
    parameter PLL_LOCK_DELAY = 200;
    parameter STDBY_ENABLE = "DISABLED";
    parameter REFIN_RESET = "DISABLED";
    parameter SYNC_ENABLE = "DISABLED";
    parameter INT_LOCK_STICKY = "ENABLED";
    parameter DPHASE_SOURCE = "DISABLED";
    parameter PLLRST_ENA = "DISABLED";
    parameter INTFB_WAKE = "DISABLED";
    assign CLKOP = CLKI, CLKOS = CLKI, CLKOS2 = CLKI, CLKOS3 = CLKI, REFCLK = CLKI, CLKINTFB = CLKI;
    assign LOCK = ~RST, INTLOCK = ~RST;
endmodule

// True dual-port block RAM (Lattice TN1264) of 1024 words of 18 bits. Word w is INIT[20 * w +: 18], and INIT is INITVAL_00 to
// INITVAL_3F put together. A port
// of 9 bits takes the halves of a word in turn, one of 4, 2 or 1 bits the low 8 bits of each half. DATA_WIDTH 36 takes two
// words at once: port A writes both with DIA and DIB, port B reads both into DOA and DOB. Byte enables of 18 and 36 bits are
// the low address bits. The output register is not modelled: REGMODE must be NOREG.
module DP16KD(
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1,
    DIA0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1,
    DIB0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1,
    DOA0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1,
    DOB0
);
    parameter DATA_WIDTH_A = 18;
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter CSDECODE_A = "0b000";
    parameter CSDECODE_B = "0b000";
    parameter WRITEMODE_A = "NORMAL";
    parameter WRITEMODE_B = "NORMAL";
    parameter CLKAMUX = "CLKA";
    parameter CLKBMUX = "CLKB";
    parameter GSR = "ENABLED";
    parameter WID = 0;
    parameter INIT_DATA = "STATIC";
    parameter [320 * 64 - 1:0] INIT = 0;

    reg [17:0] memory [0:1023];
    reg [319:0] slice;
    integer word;
    initial
        for (word = 0; word < 1024; word = word + 1) begin
            // Icarus copies the whole of INIT for every select.
            if (word % 16 == 0) slice = INIT[20 * word +: 320];
            memory[word] = slice[20 * (word % 16) +: 18];
        end

    wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
    wire [17:0] data_a = {
        DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0
    };
    wire clock_a = CLKAMUX == "INV" ? ~CLKA : CLKA;
    wire enable_a = CEA && {CSA2, CSA1, CSA0} == (CSDECODE_A == "0b111" ? 3'b111 : 3'b000);

    wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
    wire [17:0] data_b = {
        DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0
    };
    wire clock_b = CLKBMUX == "INV" ? ~CLKB : CLKB;
    wire enable_b = CEB && {CSB2, CSB1, CSB0} == (CSDECODE_B == "0b111" ? 3'b111 : 3'b000);

    // A port's data as the bits of a word that it stands for, and which of them its address selects.
    function [17:0] spread(input integer width, input [17:0] data);
        case (width)
            1: spread = {1'b0, {8{data[0]}}, 1'b0, {8{data[0]}}};
            2: spread = {1'b0, {4{data[1:0]}}, 1'b0, {4{data[1:0]}}};
            4: spread = {1'b0, {2{data[3:0]}}, 1'b0, {2{data[3:0]}}};
            9: spread = {data[8:0], data[8:0]};
            default: spread = data;
        endcase
    endfunction

    function [17:0] selected(input integer width, input [3:0] low);
        case (width)
            1: selected = 18'd1 << (low[3] * 9 + low[2:0]);
            2: selected = 18'd3 << (low[3] * 9 + low[2:1] * 2);
            4: selected = 18'd15 << (low[3] * 9 + low[2] * 4);
            9: selected = low[3] ? 18'h3fe00 : 18'h001ff;
            default: selected = {{9{low[1]}}, {9{low[0]}}};
        endcase
    endfunction

    function [17:0] gathered(input integer width, input [3:0] low, input [17:0] stored);
        case (width)
            1: gathered = {17'd0, stored[low[3] * 9 + low[2:0]]};
            2: gathered = {16'd0, stored[low[3] * 9 + low[2:1] * 2 +: 2]};
            4: gathered = {14'd0, stored[low[3] * 9 + low[2] * 4 +: 4]};
            9: gathered = {9'd0, stored[low[3] * 9 +: 9]};
            default: gathered = stored;
        endcase
    endfunction

    // Row of each port, the bits of it that are addressed, and the row as it would be after a write.
    wire [9:0] row_a = DATA_WIDTH_A == 36 ? {address_a[13:5], 1'b0} : address_a[13:4];
    wire [9:0] row_b = DATA_WIDTH_B == 36 ? {address_b[13:5], 1'b0} : address_b[13:4];
    wire [17:0] mask_a = selected(DATA_WIDTH_A, address_a[3:0]), mask_b = selected(DATA_WIDTH_B, address_b[3:0]);
    wire [17:0] next_a = (memory[row_a] & ~mask_a) | (spread(DATA_WIDTH_A, data_a) & mask_a);
    wire [17:0] next_b = (memory[row_b] & ~mask_b) | (spread(DATA_WIDTH_B, data_b) & mask_b);
    wire [17:0] mask_high = {{9{address_a[3]}}, {9{address_a[2]}}};
    wire [17:0] next_high = (memory[row_a | 10'd1] & ~mask_high) | (data_b & mask_high);
    wire write_a = enable_a && WEA, write_b = enable_b && WEB && DATA_WIDTH_A != 36;
    wire take_a = enable_a && (!write_a || WRITEMODE_A != "NORMAL");
    wire take_b = enable_b && (!write_b || WRITEMODE_B != "NORMAL");

    always @(posedge clock_a) if (write_a) begin
        memory[row_a] <= next_a;
        if (DATA_WIDTH_A == 36) memory[row_a | 10'd1] <= next_high;
    end
    always @(posedge clock_b) if (write_b) memory[row_b] <= next_b;

    reg [17:0] out_a = 0, out_b = 0, out_high = 0;
    wire clear_a = RSTA && RESETMODE == "ASYNC", clear_b = RSTB && RESETMODE == "ASYNC";
    wire [17:0] read_a = write_a && WRITEMODE_A == "WRITETHROUGH" ? next_a : memory[row_a];
    wire [17:0] read_b = write_b && WRITEMODE_B == "WRITETHROUGH" ? next_b : memory[row_b];

    always @(posedge clock_a, posedge clear_a)
        if (clear_a) out_a <= 0;
        else if (RSTA && RESETMODE == "SYNC") out_a <= 0;
        else if (take_a) out_a <= gathered(DATA_WIDTH_A, address_a[3:0], read_a);

    always @(posedge clock_b, posedge clear_b)
        if (clear_b) {out_high, out_b} <= 0;
        else if (RSTB && RESETMODE == "SYNC") {out_high, out_b} <= 0;
        else if (take_b) {out_high, out_b} <= {memory[row_b | 10'd1], gathered(DATA_WIDTH_B, address_b[3:0], read_b)};

    assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1,
    DOA0} = DATA_WIDTH_B == 36 ? out_b : out_a;
    assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1,
    DOB0} = DATA_WIDTH_B == 36 ? out_high : out_b;
endmodule
