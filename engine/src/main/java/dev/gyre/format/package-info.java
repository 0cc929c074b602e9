/** Safetensors and GGUF: bytes to names, element types and segments, and back. No native code. */
@NullMarked
package dev.gyre.format;

import org.jspecify.annotations.NullMarked;
