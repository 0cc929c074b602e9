package dev.gyre.adapter.method;

import dev.gyre.config.UserError;
import dev.gyre.model.Slot;
import dev.gyre.quant.BaseEncoding;
import dev.gyre.quant.Weight;
import dev.gyre.tensor.Tensor;

import java.util.List;

/**
 * What methods have in common that make up for what an encoding of the base lost. They say nothing
 * sensible on the base as it was before, nor on one encoded otherwise, so their files name the
 * encoding.
 */
final class EncodedBase {
    private EncodedBase() {}

    /** The encodings of some slots' weights, in the order of the alphabet. */
    static List<String> encodings(List<Slot> slots) {
        return slots.stream().map(s -> s.weight().encoding()).distinct().sorted().toList();
    }

    /**
     * Refuses a base that is encoded otherwise.
     *
     * @param wanted as {@link #encodings} gave them; empty for any
     */
    static void check(String method, List<String> wanted, List<Slot> slots) {
        List<String> here = encodings(slots);
        if (wanted.isEmpty() || wanted.stream().sorted().toList().equals(here)) return;
        String next =
                BaseEncoding.all().stream()
                        .map(BaseEncoding::name)
                        .filter(wanted::contains)
                        .findFirst()
                        .map(name -> "; open it with --base-encoding " + name)
                        .orElse("");
        throw new UserError(
                "method %s: it makes up for what the encoding %s of the base lost, and this base is kept as %s%s"
                        .formatted(
                                method, String.join(", ", wanted), String.join(", ", here), next));
    }

    /**
     * The weight as it was before it was encoded.
     *
     * @throws UserError where that is not at hand, or nothing was lost
     */
    static Weight original(String method, Slot slot) {
        return slot.weight().original().orElseThrow(() -> nothingLost(method, slot));
    }

    private static UserError nothingLost(String method, Slot slot) {
        return new UserError(
                "method %s starts at what an encoding of the base lost, and %s, kept as %s, shows nothing of that; open a base of plain numbers with --base-encoding nf4"
                        .formatted(method, slot.name(), slot.weight().encoding()));
    }

    /** W − Q of some rows, for the encoded weight Q: [rows, in]. */
    static Tensor lost(Weight original, Slot slot, long from, long rows) {
        return original.panel(from, rows).minus(slot.weight().panel(from, rows));
    }
}
