package dev.gyre;

import dev.gyre.config.BadValue;
import dev.gyre.config.Reasons;
import dev.gyre.config.UserError;
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
        if (Device.current() != Device.CPU)
            throw new UserError("models are encoded by the processor; leave --device cuda out");
        if (form.folder()) {
            TrainingRun.checkOut(out, overwrite);
            return;
        }
        if (!out.toString().endsWith(".gguf"))
            throw BadValue.of("--out", out, "a file that ends in .gguf, for --to " + to);
        if (Files.isDirectory(out))
            throw new UserError("--out " + out + " is a folder; wanted a file");
        if (Files.exists(out) && !overwrite)
            throw new UserError(
                    "--out " + out + " is there already; choose another, or allow it: --overwrite");
    }

    static Gyre.Written write(
            Base base,
            List<Effects> adapters,
            ModelForm form,
            Gyre.Encoding how,
            Consumer<Gyre.EncodedWeight> done) {
        var merging = new Merging(base.model(), adapters);
        var weights = new ArrayList<Gyre.EncodedWeight>();
        form.write(
                base,
                merging,
                how.out(),
                weight -> {
                    weights.add(weight);
                    done.accept(weight);
                });
        int[] probe = MergedFolder.probe(base);
        double drift = MergedFolder.drift(base, adapters, probe, how.out());
        if (!(drift <= how.maxDrift())) {
            remove(how.out());
            throw new UserError(
                    "in %s the log-probabilities moved by up to %.2g, more than %.2g, and nothing was kept; choose a finer encoding, or allow it: --max-drift %.2g"
                            .formatted(how.to(), drift, how.maxDrift(), drift * 1.1));
        }
        return new Gyre.Written(how.out(), weights, bytes(how.out()), drift, probe.length - 1);
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

    /** Takes away what was written: a file, or a folder's weights. */
    private static void remove(Path out) {
        try (Stream<Path> files = Files.walk(out, 1)) {
            for (Path file : files.filter(Files::isRegularFile).toList())
                if (file.equals(out) || file.toString().contains("model"))
                    Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UserError("cannot remove from --out " + out + ": " + Reasons.of(e), e);
        }
    }
}
