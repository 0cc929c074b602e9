package dev.gyre.adapter;

import java.util.function.Consumer;

/**
 * How foreign adapter files are read.
 *
 * @param legacySeries Neumann-mode OFT files without a version are of PEFT 0.16 or 0.17 and mean
 *     its polynomial
 * @param allowUnknown keys that are not understood are passed over with a warning instead of
 *     refused
 * @param warn receives what a person should know
 */
public record Reading(boolean legacySeries, boolean allowUnknown, Consumer<String> warn) {
    public static Reading strict(Consumer<String> warn) {
        return new Reading(false, false, warn);
    }
}
