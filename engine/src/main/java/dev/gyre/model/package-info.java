/** Blocks, slots, effects and the key/value cache; one file per family. Knows no method. */
@NullMarked
package dev.gyre.model;

import org.jspecify.annotations.NullMarked;
