package dev.gyre.compare;

import java.util.OptionalDouble;

/**
 * What a run that went to its end measured.
 *
 * @param scores with its adapter
 * @param losses of its training steps
 * @param trainable numbers that learned
 * @param fileBytes of the adapter's folder
 * @param stepSeconds median over its steps but the first
 * @param baseBytes resident memory when it began: the base, the program, and other runs
 * @param peakBytes most resident memory while it trained; 0 where the system does not tell, or
 *     other runs were at work
 * @param drift largest |Δ log-probability| between merged and unmerged over a short text; empty
 *     where the method does not merge
 * @param whyNotMerged in words, or empty
 * @param seconds of the run with all its measures
 */
@SuppressWarnings("ArrayRecordComponent") // made once and read; nobody compares them
public record Measured(
        Scores scores,
        double[] losses,
        long trainable,
        long fileBytes,
        double stepSeconds,
        long baseBytes,
        long peakBytes,
        OptionalDouble drift,
        String whyNotMerged,
        double seconds) {}
