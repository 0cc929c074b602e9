package dev.gyre.format;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * Named tensors on disk, mapped and not yet decoded: a safetensors file, a folder of its shards, or
 * a GGUF file.
 */
public interface TensorFile {
    /** The file or folder, for messages. */
    Path path();

    /** All tensors by name, in the file's order. */
    Map<String, StoredTensor> tensors();

    /** All names, in the file's order. */
    default Set<String> names() {
        return tensors().keySet();
    }

    /**
     * One tensor.
     *
     * @throws dev.gyre.config.UserError when there is none of this name; the message names the
     *     nearest
     */
    default StoredTensor tensor(String name) {
        StoredTensor tensor = tensors().get(name);
        if (tensor == null) throw FormatErrors.missing(path(), name, names());
        return tensor;
    }

    default boolean has(String name) {
        return names().contains(name);
    }
}
