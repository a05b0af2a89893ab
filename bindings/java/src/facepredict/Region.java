package facepredict;

/** A face that was found already, forehead to chin, in upright pixels. */
public final class Region {
    final float[] numbers = new float[14];

    public Region(float x, float y, float width, float height) {
        this(x, y, width, height, null);
    }

    /** With the x and y of left eye, right eye, nose, left and right mouth corner (as seen): ten numbers, or null. */
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
