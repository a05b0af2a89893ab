package facepredict;

/** How to load a model. What is not set is the library's default. */
public final class ModelOptions {
    long maxPixels;

    /** Largest picture accepted, in pixels; 0 means 64 Mi. */
    public ModelOptions maxPixels(long pixels) {
        if (pixels < 0) {
            throw new IllegalArgumentException("maxPixels is " + pixels);
        }
        maxPixels = pixels;
        return this;
    }
}
