package dev.gyre;

import dev.gyre.config.BadValue;
import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;
import dev.gyre.format.Draft;
import dev.gyre.merge.Merging;
import dev.gyre.model.Effects;
import dev.gyre.tensor.Device;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Writes a model, or one with adapters merged in, in another form, and measures what was lost. */
final class EncodedModel {
    private EncodedModel() {}

    /**
     * Whether it may be written there.
     *
     * @throws UserError when not
     */
    static void checkOut(ModelForm form, String to, Path out, boolean overwrite) {
        checkDevice();
        if (form.folder()) {
            TrainingRun.checkOut(out, overwrite);
            return;
        }
        checkFile(to, out, overwrite);
    }

    /**
     * Whether a GGUF file may be written there.
     *
     * @throws UserError when not
     */
    static void checkFile(String to, Path out, boolean overwrite) {
        checkDevice();
        if (!out.toString().endsWith(".gguf"))
            throw BadValue.of("--out", out, "a file that ends in .gguf, for --to " + to);
        if (Files.isDirectory(out))
            throw new UserError("--out " + out + " is a folder; wanted a file");
        if (Files.exists(out) && !overwrite)
            throw new UserError(
                    "--out " + out + " is there already; choose another, or allow it: --overwrite");
    }

    private static void checkDevice() {
        if (Device.current() != Device.CPU)
            throw new UserError("models are encoded by the processor; leave --device cuda out");
    }

    static Gyre.Written write(
            Base base,
            List<Effects> adapters,
            ModelForm form,
            Gyre.Encoding how,
            Consumer<Gyre.EncodedWeight> done) {
        var merging = new Merging(base.model(), adapters);
        var weights = new ArrayList<Gyre.EncodedWeight>();
        var probe = DriftProbe.of(base);
        double[] unmerged = probe.unwritten(base.model(), adapters);
        try (var draft = Draft.of(how.out())) {
            form.write(
                    base,
                    merging,
                    draft.place(),
                    weight -> {
                        weights.add(weight);
                        done.accept(weight);
                    });
            double drift = MergedFolder.drift(probe, unmerged, draft.place());
            if (!(drift <= how.maxDrift()))
                throw new UserError(
                        "in %s the log-probabilities moved by up to %.2g, more than %.2g, and nothing was kept; choose a finer encoding, or allow it: --max-drift %.2g"
                                .formatted(how.to(), drift, how.maxDrift(), drift * 1.1));
            long bytes = bytes(draft.place());
            draft.keep();
            return new Gyre.Written(how.out(), weights, bytes, drift, probe.tokens());
        }
    }

    private static long bytes(Path out) {
        long sum = 0;
        try (Stream<Path> files = Files.walk(out)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) sum += Files.size(file);
            return sum;
        } catch (IOException e) {
            throw new UserError("cannot look into --out " + out + ": " + Reasons.of(e), e);
        }
    }
}
