package facepredict;

/** Options of loading a model. Options that are not set have the library's defaults. */
public final class ModelOptions {
    long maxPixels;

    /** The largest picture that is accepted, in pixels. 0 means 64 Mi. */
    public ModelOptions maxPixels(long pixels) {
        if (pixels < 0) {
            throw new IllegalArgumentException("maxPixels is " + pixels);
        }
        maxPixels = pixels;
        return this;
    }
}
