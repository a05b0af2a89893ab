package facepredict;

/** A face that was found already, in pixels of the upright picture. Its box reaches from the forehead to the chin. */
public final class Region {
    final float[] numbers = new float[14];

    public Region(float x, float y, float width, float height) {
        this(x, y, width, height, null);
    }

    /**
     * Makes a region with landmarks: x and y of the left eye, right eye, nose, left and right corner of the mouth (as
     * seen in the picture). They are ten numbers, or null.
     */
    public Region(float x, float y, float width, float height, float[] landmarks) {
        numbers[0] = x;
        numbers[1] = y;
        numbers[2] = width;
        numbers[3] = height;
        if (landmarks != null) {
            if (landmarks.length != 10) {
                throw new IllegalArgumentException("landmarks are " + landmarks.length + " numbers, five x and y are wanted");
            }
            System.arraycopy(landmarks, 0, numbers, 4, 10);
        }
    }
}
