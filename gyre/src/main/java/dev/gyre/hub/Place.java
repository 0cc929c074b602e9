package dev.gyre.hub;

import java.nio.file.Path;

/**
 * A model on this machine.
 *
 * @param name the name that led to it
 * @param path a folder in Hugging Face's layout, or a {@code .gguf} file
 * @param how in words, to follow the name: "on this machine", "from the cache", "downloaded from …"
 */
public record Place(String name, Path path, String how) {}
