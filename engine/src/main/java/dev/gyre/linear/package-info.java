/** Linear maps that are cheaper than a matrix, rotations among them with their Lie algebra. */
@NullMarked
package dev.gyre.linear;

import org.jspecify.annotations.NullMarked;
