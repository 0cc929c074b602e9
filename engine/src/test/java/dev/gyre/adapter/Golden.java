package dev.gyre.adapter;

import dev.gyre.config.Json;
import dev.gyre.config.Tree;
import dev.gyre.format.ElementType;
import dev.gyre.format.Safetensors;
import dev.gyre.format.StoredTensor;
import dev.gyre.quant.Encodings;
import dev.gyre.tensor.Tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Goldens made with PEFT; the scripts that made them lie beside them. */
public final class Golden {
    static final Path ROOT = Path.of("src/test/resources/golden");

    private Golden() {}

    public static Tree json(String path) {
        return Json.read(ROOT.resolve(path));
    }

    public static Tensor tensor(String path, String name) {
        try (var arena = Arena.ofConfined()) {
            StoredTensor stored = Safetensors.open(ROOT.resolve(path), arena).tensor(name);
            return stored.type() == ElementType.I64
                    ? Tensor.of(stored.data().toArray(ValueLayout.JAVA_LONG), stored.shape())
                    : Tensor.of(Encodings.decode(stored), stored.shape());
        }
    }

    public static List<String> names(String path) {
        try (var arena = Arena.ofConfined()) {
            return List.copyOf(Safetensors.open(ROOT.resolve(path), arena).names());
        }
    }

    /** Rows of ids [B, T] as sequences. */
    public static List<int[]> sequences(Tensor ids) {
        var out = new ArrayList<int[]>();
        for (int i = 0; i < ids.size(0); i++) out.add(ids.select(0, i).toInts());
        return out;
    }
}
