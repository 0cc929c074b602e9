package dev.gyre.model;

import dev.gyre.config.Tree;
import dev.gyre.format.Gguf;
import dev.gyre.format.TensorFile;
import dev.gyre.tensor.Scope;

import java.util.Set;

/**
 * A line in the registry of model families: which files are its own, and how they become a model.
 */
interface Family {
    /** Values of {@code model_type} in a Hugging Face {@code config.json}. */
    Set<String> modelTypes();

    /** Values of {@code general.architecture} in a GGUF file. */
    Set<String> architectures();

    Model open(Tree config, TensorFile file, Scope home, Loading how);

    Model open(Gguf file, Scope home, Loading how);
}
