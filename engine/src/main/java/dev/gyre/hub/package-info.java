/** Names of models and data sets to local files; offline first. */
@NullMarked
package dev.gyre.hub;

import org.jspecify.annotations.NullMarked;
