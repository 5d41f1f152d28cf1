//! Images that are made from an image.

use super::upload::{files, text_fields, upload};
use crate::generated::gateway::images;

upload! {
    create_image_edit, CreateImageEdit, CREATE_IMAGE_EDIT, images::ImagesResponse,
    /// Edits an image.
    ///
    /// `POST /images/edits`. Not retried if the service may have executed it.
    ///
    /// ```no_run
    #[doc = include_str!("examples/create_image_edit.rs")]
    /// ```
}

files! {
    CreateImageEdit {
        /// Sets the image. Required.
        image;
        /// Sets the mask: an image of the same size, transparent where the image is to be edited.
        mask;
    }
}

text_fields! {
    CreateImageEdit {
        /// Sets the description of the edited image. Required.
        prompt: String;
        /// Sets the model.
        model: String;
        /// Sets the number of images to create, 1 to 10.
        n: i64;
        /// Sets whether the response contains URLs or the images.
        response_format: images::ImageResponseFormat;
        /// Sets the size of the created images.
        size: images::SquareImageSize;
        /// Sets the identifier of your end user.
        user: String;
    }
}

upload! {
    create_image_variation, CreateImageVariation, CREATE_IMAGE_VARIATION, images::ImagesResponse,
    /// Creates variations of an image.
    ///
    /// `POST /images/variations`. Not retried if the service may have executed it.
    ///
    /// ```no_run
    #[doc = include_str!("examples/create_image_variation.rs")]
    /// ```
}

files! {
    CreateImageVariation {
        /// Sets the image. Required.
        image;
    }
}

text_fields! {
    CreateImageVariation {
        /// Sets the model.
        model: String;
        /// Sets the number of images to create, 1 to 10.
        n: i64;
        /// Sets whether the response contains URLs or the images.
        response_format: images::ImageResponseFormat;
        /// Sets the size of the created images.
        size: images::SquareImageSize;
        /// Sets the identifier of your end user.
        user: String;
    }
}
