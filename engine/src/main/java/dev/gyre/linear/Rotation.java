package dev.gyre.linear;

import dev.gyre.tensor.Tensor;

/**
 * A square linear map that is orthogonal, or meant to be: an element of a rotation group, up to a
 * stated error.
 */
public interface Rotation extends LinearMap {
    /** How far from orthogonal: the largest ‖RᵀR − I‖_F over its blocks. */
    double distanceFromOrthogonal();

    /**
     * The true inverse as a matrix [d, d], by solving, because approximate rotations differ from
     * their transposes.
     */
    Tensor inverse();
}
