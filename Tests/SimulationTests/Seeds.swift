/// Seeds that once failed. Each is run by every test run, so what they found stays found; the simulation has changed
/// since, so a seed no longer takes the path it once took; it is one more path that must be clean.
enum Seeds {
    static let past: [UInt64] = [
        // A refusal met a full pipe and was lost.
        8_196_980_753_821_780_235, 14_072_917_602_864_530_048, 9_648_886_400_068_060_533,
        // A withdrawal sent just before the router stood still counted as ignored right after it.
        1_775_436_670_244_031_301, 17_760_437_174_710_731_169, 3_454_354_385_182_342_920,
        // The simulation's own ledger was wrong: a refused Hello does not free places.
        9_998_698_428_175_217_135, 2_946_282_513_428_507_115, 2_170_496_079_611_924_674,
        // A worker became "healthy" while the router stood still and could not know.
        9_280_824_080_544_739_575, 17_163_398_514_923_931_229,
        // A timer that fired between tokens and the report of a stop string in them sent what comes after the stop.
        10_935_029_838_857_961_292, 17_301_850_623_657_094_693,
        // Two ejections ended at the same moment; the dispatch for the first moved the second one's timer away.
        7_974_516_493_884_940_754, 13_566_114_351_700_967_605,
        // The last worker in good standing was at fault; for its other models nobody looked at the others' places.
        12_042_708_841_135_836_865, 2_173_209_640_867_450_582, 9_203_540_332_057_383_674,
        // A timer set to a moment in the past was taken for a pause of the router: workers counted as heard in the future.
        1_021_450_468_185_895_841, 1_157_141_019_736_306_496, 11_169_011_477_326_738_537,
    ]

    /// Of walks through random graphs.
    static let pastWalks: [UInt64] = [
        // A node's time was up in the moment of an edit: the referee went by the graph after it.
        120_572
    ]
}
