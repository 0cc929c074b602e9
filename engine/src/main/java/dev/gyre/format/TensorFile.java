package dev.gyre.format;

import java.nio.file.Path;
import java.util.Set;

/**
 * Named tensors on disk, mapped and not yet decoded: a safetensors file, a folder of its shards, or
 * a GGUF file.
 */
public interface TensorFile {
    /** The file or folder, for messages. */
    Path path();

    /** All names, in the file's order. */
    Set<String> names();

    /**
     * One tensor.
     *
     * @throws dev.gyre.config.UserError when there is none of this name; the message names the
     *     nearest
     */
    StoredTensor tensor(String name);

    default boolean has(String name) {
        return names().contains(name);
    }
}
